import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../figures/results.ts";
import { formatSize } from "../format.ts";
import { computeCell } from "../tables.ts";
import { COLORS, logTicks } from "./theme.ts";

const MARKS = [
  { metric: "p50Us", percentile: "p50" },
  { metric: "p90Us", percentile: "p90" },
  { metric: "p99Us", percentile: "p99" },
];

/** Latency at half load: p50, p90 and p99 of each contender on one line, medians of the rounds. */
export function latencyPlot({ samples, contenders }: Results): TopLevelSpec {
  const runs = samples.filter(({ scenario }) => scenario === "half-load");
  const sizes = [...new Set(runs.map(({ size }) => size))].sort((a, b) => a - b);
  const names = contenders.map(({ name }) => name);
  const panels = sizes.map((size) => ({
    size,
    points: contenders.flatMap(({ name }) =>
      MARKS.flatMap(({ metric, percentile }) => {
        const cell = computeCell(samples, { title: "", scenario: "half-load", size, metric }, name, null);
        return cell ? [{ name, percentile, ms: cell.summary.median / 1000 }] : [];
      })
    ),
  }));

  return {
    columns: 2,
    spacing: { row: 24, column: 32 },
    concat: panels.map(({ size, points }) => ({
      title: `Milliseconds to an answer of ${formatSize(size)}, half load`,
      data: { values: points },
      width: 260,
      height: { step: 20 },
      encoding: {
        y: { field: "name", type: "nominal", sort: names, title: null, axis: { labelColor: COLORS.ink } },
        x: {
          ...{ field: "ms", type: "quantitative", scale: { type: "log" }, title: "ms, log scale" },
          axis: { values: logTicks(points.map(({ ms }) => ms)) },
        },
      },
      layer: [
        {
          mark: { type: "line", strokeWidth: 2, color: COLORS.rule },
          encoding: { detail: { field: "name" } },
        },
        {
          mark: { type: "circle", size: 60, opacity: 1 },
          encoding: {
            color: {
              ...{ field: "percentile", type: "nominal", title: null },
              scale: { domain: ["p50", "p90", "p99"], range: [COLORS.floor, COLORS.ours, COLORS.https] },
            },
          },
        },
      ],
    })),
  } as TopLevelSpec;
}
