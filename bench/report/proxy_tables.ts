import type { Sample } from "../figures/sample.ts";
import { connectionsScenario, numbersIn, workersScenario } from "../experiments/scenarios.ts";
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

/** @param connections of the runs whose number of connections is not their subject */
export function proxyTables(samples: readonly Sample[], connections: number): ProxyTables {
  const scenarios = samples.map(({ scenario }) => scenario);
  const counts = numbersIn(scenarios, "connections");
  const byCount = (metric: string, more: Partial<Column> = {}): Column[] => {
    if (counts.length === 0) return [];
    const all = [...new Set([...counts, connections])].sort((a, b) => a - b);
    return sizesOf(samples, connectionsScenario(counts[0])).flatMap((size) =>
      all.map((count) => ({
        title: `${formatSize(size)}, ${formatCount(count)}`,
        scenario: counts.includes(count) ? connectionsScenario(count) : "keep-alive",
        ...{ size, metric, ...more },
      }))
    );
  };
  const byWorkers = (metric: string, title: string, more: Partial<Column> = {}): Column[] =>
    numbersIn(scenarios, "workers").map((count) => ({
      title: `${title}, ${count} worker${count > 1 ? "s" : ""}`,
      ...{ scenario: workersScenario(count), size: 10, metric, ...more },
    }));
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
      { title: "CPU µs per request by connections", columns: byCount("cpuUsPerRequest") },
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
      { title: "p50 by connections, ms", columns: byCount("p50Us", ms) },
      { title: "p99 by connections, ms", columns: byCount("p99Us", ms) },
    ]),
    rest: measured([
      { title: "requests per second", columns: bySize("keep-alive", "requestsPerSecond", rate) },
      { title: "requests per second, upload", columns: bySize("upload", "requestsPerSecond", rate) },
      { title: "requests per second by connections", columns: byCount("requestsPerSecond", rate) },
      {
        title: "several workers, 10 B",
        columns: [
          ...byWorkers("requestsPerSecond", "requests per second", rate),
          ...byWorkers("cpuUsPerRequest", "CPU µs per request"),
        ],
      },
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
