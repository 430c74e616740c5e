import type { Sample } from "../sample.ts";
import { formatRatio, markdownTable } from "./format.ts";
import { bestPeer, computeCell } from "./tables.ts";
import type { Column } from "./tables.ts";

/** What the project wants of itself: a ratio to the best of hitch, HAProxy and nginx, by contender. */
interface Target {
  column: Column;
  atMost: Record<string, number>;
}

/** Whom the targets are against; stunnel is no contest. */
export const PEERS = ["hitch", "haproxy", "nginx"];

/** The targets of the measures, memory at the largest number of connections that was held. */
export function listTargets(samples: readonly Sample[]): Target[] {
  const counts = samples.filter(({ scenario }) => scenario === "idle").map(({ size }) => size);
  const cpu = (title: string, size: number) => ({ title, scenario: "keep-alive", size, metric: "cpuUsPerRequest" });
  const handshake = { scenario: "handshake-full-ecdsa", size: 0, metric: "cpuUsPerConnection" };
  return [
    { column: cpu("CPU per request, 10 B", 10), atMost: { "tls-off": 1, "tls-off:bun": 0.8 } },
    { column: cpu("CPU per request, 10 kB", 10_000), atMost: { "tls-off": 1.05, "tls-off:bun": 0.85 } },
    { column: cpu("CPU per request, 1 MB", 1_000_000), atMost: { "tls-off": 1, "tls-off:bun": 0.7 } },
    { column: { title: "CPU per full handshake", ...handshake }, atMost: { "tls-off": 0.9, "tls-off:bun": 0.75 } },
    {
      column: { title: "p99 at half load, 10 B", scenario: "half-load", size: 10, metric: "p99Us" },
      atMost: { "tls-off": 1.1, "tls-off:bun": 1 },
    },
    {
      column: {
        ...{ title: "memory per idle connection, KiB", scenario: "idle", size: Math.max(0, ...counts) },
        ...{ metric: "bytesPerConnection", scale: 1 / 1024, absolute: true },
      },
      atMost: { "tls-off": 16, "tls-off:bun": 8 },
    },
  ];
}

/** What was found against what is wanted, in Markdown; empty string where none of it was measured. */
export function renderTargets(samples: readonly Sample[]): string {
  const rows = listTargets(samples).map(({ column, atMost }) => {
    const reference = bestPeer(samples, column, PEERS);
    const cells = Object.entries(atMost).map(([contender, limit]) => {
      const cell = computeCell(samples, column, contender, reference);
      const value = column.absolute ? cell && cell.summary.median * (column.scale ?? 1) : cell?.ratio?.median;
      if (value === null || value === undefined) return "–";
      const text = column.absolute ? value.toFixed(1) : formatRatio(value);
      const wanted = column.absolute ? String(limit) : formatRatio(limit);
      return `${text} (≤ ${wanted}) ${value <= limit ? "✓" : "✗"}`;
    });
    return [column.title, ...cells, column.absolute ? "" : reference ?? "–"];
  });
  if (rows.every((row) => row[1] === "–" && row[2] === "–")) return "";
  return markdownTable(["against the best peer", "Deno native", "Bun native", "best peer"], rows);
}
