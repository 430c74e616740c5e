import type { Sample } from "../figures/sample.ts";

/** A field as RFC 4180 wants it: quoted where it has to be. */
function field(value: string | number): string {
  const text = String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function lines(header: string[], rows: (string | number)[][]): string {
  return [header, ...rows].map((row) => row.map(field).join(",") + "\n").join("");
}

/** Every figure of every run on a line of its own. */
export function samplesCsv(samples: readonly Sample[]): string {
  return lines(
    ["scenario", "contender", "size", "round", "metric", "value"],
    samples.flatMap(({ scenario, contender, size, round, values }) =>
      Object.entries(values).map(([metric, value]) => [scenario, contender, size, round, metric, value])
    ),
  );
}

/**
 * The article's table: a line for each run; `requests` is their count in the run, latencies are in µs, as `wrk` has
 * them.
 */
export function articleCsv(samples: readonly Sample[]): string {
  return lines(
    ["config", "size", "requests", "mean", "stdev", "p50", "p90", "p99"],
    samples.map(({ contender, size, values }) => [
      ...[contender, size, values.requests, values.meanUs, values.stdevUs, values.p50Us, values.p90Us, values.p99Us],
    ]),
  );
}
