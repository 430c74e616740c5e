import type { Sample } from "../figures/sample.ts";
import { connectionsScenario, numbersIn } from "../experiments/scenarios.ts";
import type { Column } from "./tables.ts";

/** The figures of the README's first table. Memory is measured at the largest number of idle connections. */
export function headlineColumns(samples: readonly Sample[]): Column[] {
  const most = (numbers: number[]) => Math.max(0, ...numbers);
  const held = most(samples.filter(({ scenario }) => scenario === "idle").map(({ size }) => size));
  const busy = most(numbersIn(samples.map(({ scenario }) => scenario), "connections"));
  const cpu = { metric: "cpuUsPerRequest" };
  const handshake = { size: 0, metric: "cpuUsPerConnection" };
  const all: Column[] = [
    { ...cpu, title: "CPU per request, 10 B", scenario: "keep-alive", size: 10 },
    { ...cpu, title: `the same with ${busy} connections`, scenario: connectionsScenario(busy), size: 10 },
    { ...cpu, title: "CPU per request, 10 kB", scenario: "keep-alive", size: 10_000 },
    { ...cpu, title: "CPU per request, 1 MB", scenario: "keep-alive", size: 1_000_000 },
    { ...cpu, title: "CPU per request, 1 MB uploaded", scenario: "upload", size: 1_000_000 },
    { ...handshake, title: "CPU per full handshake", scenario: "handshake-full-ecdsa" },
    { ...handshake, title: "CPU per resumed handshake", scenario: "handshake-resumed-ecdsa" },
    { title: "p99 at half load, 10 B", scenario: "half-load", size: 10, metric: "p99Us" },
    {
      ...{ title: "memory per idle connection, KiB", scenario: "idle", size: held },
      ...{ metric: "bytesPerConnection", scale: 1 / 1024 },
    },
  ];
  return all.filter(({ scenario, size }) =>
    samples.some((sample) => sample.scenario === scenario && sample.size === size)
  );
}
