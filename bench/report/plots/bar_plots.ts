import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../figures/results.ts";
import { connectionsScenario, numbersIn } from "../../experiments/scenarios.ts";
import { formatCount, formatFigure, formatSize } from "../format.ts";
import { computeCell } from "../tables.ts";
import type { Column } from "../tables.ts";
import { colorOf, COLORS } from "./theme.ts";

/** A panel for each column: a bar for each contender at its median, a tick for each round. Bars begin at 0. */
function barPlot({ samples }: Results, contenders: Results["contenders"], columns: Column[]): TopLevelSpec {
  const names = contenders.map(({ name }) => name);
  const panels = columns.map((column) => {
    const scale = column.scale ?? 1;
    const bars = contenders.flatMap(({ name, kind }) => {
      const cell = computeCell(samples, column, name, null);
      if (!cell) return [];
      const value = cell.summary.median * scale;
      return [{ name, value, text: formatFigure(value), color: colorOf(name, kind) }];
    });
    const rounds = samples
      .filter(({ scenario, size, contender }) =>
        scenario === column.scenario && size === column.size && names.includes(contender)
      )
      .map(({ contender: name, values }) => ({ name, value: values[column.metric] * scale }));
    // The bar of a far slower contender must not make the others too short to read, and its label must stay in the
    // panel.
    const most = Math.max(...bars.map(({ value }) => value), ...rounds.map(({ value }) => value)) * 1.22;
    return { column, bars, rounds, most };
  }).filter(({ bars }) => bars.length > 0);

  return {
    columns: 2,
    spacing: { row: 24, column: 32 },
    concat: panels.map(({ column, bars, rounds, most }) => ({
      title: column.title,
      width: 260,
      height: { step: 20 },
      encoding: { y: { field: "name", type: "nominal", sort: names, title: null, axis: { labelColor: COLORS.ink } } },
      layer: [
        {
          data: { values: bars },
          mark: { type: "bar", height: { band: 0.62 }, cornerRadiusEnd: 2 },
          encoding: {
            x: { field: "value", type: "quantitative", title: null, axis: null, scale: { domain: [0, most] } },
            color: { field: "color", type: "nominal", scale: null },
          },
        },
        {
          data: { values: rounds },
          mark: { type: "tick", thickness: 1, height: 12, color: COLORS.ink, opacity: 0.55 },
          encoding: { x: { field: "value", type: "quantitative" } },
        },
        {
          data: { values: bars.map((bar) => ({ ...bar, end: Math.max(...valuesOf(rounds, bar.name), bar.value) })) },
          mark: { type: "text", align: "left", dx: 6 },
          encoding: { x: { field: "end", type: "quantitative" }, text: { field: "text" } },
        },
      ],
    })),
  } as TopLevelSpec;
}

function valuesOf(rounds: { name: string; value: number }[], name: string): number[] {
  return rounds.filter((round) => round.name === name).map(({ value }) => value);
}

function sizesOf({ samples }: Results, scenario: string): number[] {
  const sizes = samples.filter((sample) => sample.scenario === scenario).map(({ size }) => size);
  return [...new Set(sizes)].sort((a, b) => a - b);
}

function cpuColumns(results: Results): Column[] {
  const shown = [10, 10_000, 1_000_000].filter((size) => sizesOf(results, "keep-alive").includes(size));
  const sizes = shown.length ? shown : sizesOf(results, "keep-alive");
  const title = "CPU µs for a new connection, full handshake";
  return [
    ...sizes.map((size) => ({
      ...{ title: `CPU µs per request, ${formatSize(size)}`, scenario: "keep-alive", size },
      metric: "cpuUsPerRequest",
    })),
    ...numbersIn(results.samples.map(({ scenario }) => scenario), "connections").slice(-1).map((count) => ({
      ...{ title: `CPU µs per request, 10 B, ${formatCount(count)} connections`, size: 10 },
      ...{ scenario: connectionsScenario(count), metric: "cpuUsPerRequest" },
    })),
    ...sizesOf(results, "upload").slice(-1).map((size) => ({
      ...{ title: `CPU µs per request, ${formatSize(size)} uploaded`, scenario: "upload", size },
      metric: "cpuUsPerRequest",
    })),
    { title, scenario: "handshake-full-ecdsa", size: 0, metric: "cpuUsPerConnection" },
  ];
}

function memoryColumns(results: Results): Column[] {
  return sizesOf(results, "idle").map((size) => ({
    ...{ title: `KiB per idle connection, ${formatCount(size)} held`, scenario: "idle", size },
    ...{ metric: "bytesPerConnection", scale: 1 / 1024 },
  }));
}

/** Ours that a plot about peers shows; the others are in the plot about runtimes. */
const OURS_AMONG_PEERS = ["tls-off", "tls-off:bun"];

/** The variants of tls-off that are shown among peers; all of them where those did not run. */
function amongPeers({ contenders }: Results): Results["contenders"] {
  const chosen = contenders.filter(({ name, kind }) => kind !== "ours" || OURS_AMONG_PEERS.includes(name));
  return chosen.some(({ kind }) => kind === "ours") ? chosen : contenders;
}

/** CPU per request and per handshake against peers. */
export function cpuPlot(results: Results): TopLevelSpec {
  return barPlot(results, amongPeers(results), cpuColumns(results));
}

/** Memory of idle connections against peers. */
export function memoryPlot(results: Results): TopLevelSpec {
  return barPlot(results, amongPeers(results), memoryColumns(results));
}

/** CPU and memory of ours on each runtime. */
export function runtimesPlot(results: Results): TopLevelSpec {
  const ours = results.contenders.filter(({ kind }) => kind === "ours");
  return barPlot(results, ours, [...cpuColumns(results), ...memoryColumns(results).slice(0, 2)]);
}
