import type { Sample } from "../sample.ts";
import { formatSize } from "./format.ts";
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

/** What is reported of proxies, in the order of the report. Columns that were not measured are left out. */
export function peerTables(samples: readonly Sample[]): Table[] {
  const bySize = (scenario: string, metric: string, more: Partial<Column> = {}, from = 0): Column[] =>
    sizesOf(samples, scenario).filter((size) => size >= from)
      .map((size) => ({ title: formatSize(size), scenario, size, metric, ...more }));
  const ofHandshakes = (metric: string, more: Partial<Column> = {}): Column[] =>
    HANDSHAKES.filter(({ scenario }) => samples.some((sample) => sample.scenario === scenario))
      .map(({ scenario, title }) => ({ title, scenario, size: 0, metric, ...more }));
  const ms = { scale: 1e-3 };
  const rate = { higherIsBetter: true };

  return [
    { title: "CPU µs per request, keep-alive", columns: bySize("keep-alive", "cpuUsPerRequest") },
    { title: "CPU µs per new connection", columns: ofHandshakes("cpuUsPerConnection") },
    {
      title: "memory per idle connection, kB",
      columns: sizesOf(samples, "idle").map((size) => ({
        title: `${size} held`,
        scenario: "idle",
        size,
        metric: "bytesPerConnection",
        scale: 1 / 1024,
      })),
    },
    { title: "p50 at half load, ms", columns: bySize("half-load", "p50Us", ms) },
    { title: "p90 at half load, ms", columns: bySize("half-load", "p90Us", ms) },
    { title: "p99 at half load, ms", columns: bySize("half-load", "p99Us", ms) },
    { title: "requests per second", columns: bySize("keep-alive", "requestsPerSecond", rate) },
    { title: "share of the CPU in use", columns: bySize("keep-alive", "proxyCpuShare", rate) },
    { title: "CPU s per GB", columns: bySize("keep-alive", "cpuSecondsPerGb", {}, 10_000) },
    { title: "p50 at saturation, ms", columns: bySize("keep-alive", "p50Us", ms) },
    { title: "p90 at saturation, ms", columns: bySize("keep-alive", "p90Us", ms) },
    { title: "p99 at saturation, ms", columns: bySize("keep-alive", "p99Us", ms) },
    { title: "new connections per second", columns: ofHandshakes("connectionsPerSecond", rate) },
    { title: "share of resumed handshakes", columns: ofHandshakes("resumedShare", rate) },
    {
      title: "from start to first answer",
      columns: samples.some((sample) => sample.scenario === "start-up")
        ? [
          { title: "ms", scenario: "start-up", size: 0, metric: "startupMs" },
          { title: "memory, MB", scenario: "start-up", size: 0, metric: "residentBytesEmpty", scale: 2 ** -20 },
        ]
        : [],
    },
  ].filter((table) => table.columns.length > 0);
}
