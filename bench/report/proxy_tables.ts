import type { Sample } from "../sample.ts";
import { formatCount, formatSize } from "./format.ts";
import type { Column, Table } from "./tables.ts";

const HANDSHAKES = [
  { scenario: "handshake-full-ecdsa", title: "full, ECDSA" },
  { scenario: "handshake-resumed-ecdsa", title: "resumed, ECDSA" },
  { scenario: "handshake-full-rsa", title: "full, RSA" },
  { scenario: "handshake-resumed-rsa", title: "resumed, RSA" },
];

function sizesOf(samples: readonly Sample[], scenario: string): number[] {
  const sizes = samples.filter((sample) => sample.scenario === scenario).map((sample) => sample.size);
  return [...new Set(sizes)].sort((a, b) => a - b);
}

/** The figures of proxies, by what they answer. Columns that were not measured are left out. */
export interface ProxyTables {
  cost: Table[];
  latency: Table[];
  rest: Table[];
}

export function proxyTables(samples: readonly Sample[]): ProxyTables {
  const bySize = (scenario: string, metric: string, more: Partial<Column> = {}, from = 0): Column[] =>
    sizesOf(samples, scenario).filter((size) => size >= from)
      .map((size) => ({ title: formatSize(size), scenario, size, metric, ...more }));
  const ofHandshakes = (metric: string, more: Partial<Column> = {}): Column[] =>
    HANDSHAKES.filter(({ scenario }) => samples.some((sample) => sample.scenario === scenario))
      .map(({ scenario, title }) => ({ title, scenario, size: 0, metric, ...more }));
  const ofStartUp = (title: string, metric: string, scale = 1): Column[] =>
    samples.some((sample) => sample.scenario === "start-up")
      ? [{ title, scenario: "start-up", size: 0, metric, scale }]
      : [];
  const idle = sizesOf(samples, "idle").map((size) => ({
    ...{ title: `${formatCount(size)} held`, scenario: "idle", size },
    ...{ metric: "bytesPerConnection", scale: 1 / 1024 },
  }));
  const ms = { scale: 1e-3 };
  const rate = { higherIsBetter: true };
  const share = { absolute: true };
  const measured = (tables: Table[]) => tables.filter((table) => table.columns.length > 0);

  return {
    cost: measured([
      { title: "CPU µs per request", columns: bySize("keep-alive", "cpuUsPerRequest") },
      { title: "CPU µs per request, upload", columns: bySize("upload", "cpuUsPerRequest") },
      { title: "CPU µs per new connection", columns: ofHandshakes("cpuUsPerConnection") },
      { title: "CPU s per GB", columns: bySize("keep-alive", "cpuSecondsPerGb", {}, 10_000) },
      { title: "CPU s per GB, upload", columns: bySize("upload", "cpuSecondsPerGb") },
      { title: "KiB per idle connection", columns: idle },
    ]),
    latency: measured([
      { title: "p50 at half load, ms", columns: bySize("half-load", "p50Us", ms) },
      { title: "p90 at half load, ms", columns: bySize("half-load", "p90Us", ms) },
      { title: "p99 at half load, ms", columns: bySize("half-load", "p99Us", ms) },
      { title: "p50 at saturation, ms", columns: bySize("keep-alive", "p50Us", ms) },
      { title: "p90 at saturation, ms", columns: bySize("keep-alive", "p90Us", ms) },
      { title: "p99 at saturation, ms", columns: bySize("keep-alive", "p99Us", ms) },
    ]),
    rest: measured([
      { title: "requests per second", columns: bySize("keep-alive", "requestsPerSecond", rate) },
      { title: "requests per second, upload", columns: bySize("upload", "requestsPerSecond", rate) },
      { title: "share of its CPU in use", columns: bySize("keep-alive", "proxyCpuShare", share) },
      { title: "new connections per second", columns: ofHandshakes("connectionsPerSecond", rate) },
      { title: "share of resumed handshakes", columns: ofHandshakes("resumedShare", share) },
      {
        title: "from start to first answer",
        columns: [...ofStartUp("ms", "startupMs"), ...ofStartUp("memory, MiB", "residentBytesEmpty", 2 ** -20)],
      },
    ]),
  };
}
