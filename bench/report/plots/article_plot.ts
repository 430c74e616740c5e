import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../figures/results.ts";
import { median, pairedRatio } from "../../figures/stats.ts";
import { valuesByRound } from "../../figures/sample.ts";
import { articleRuntimes, articleSamples } from "../article_section.ts";
import { formatSize } from "../format.ts";
import { colorOf, COLORS, logTicks } from "./theme.ts";

/** Names and colours of the configurations of all applications. */
function configurations({ samples, contenders }: Results) {
  const runs = articleRuntimes(samples).flatMap((runtime) => articleSamples(samples, runtime));
  const configs = [...new Set(runs.map(({ contender }) => contender))];
  const kinds = new Map(contenders.map(({ name, kind }) => [name, kind]));
  const range = configs.map((config) =>
    config === "http" || config === "https" ? COLORS[config] : colorOf(config, kinds.get(config) ?? "ours")
  );
  const color = { field: "config", type: "nominal", title: null, scale: { domain: configs, range } } as const;
  return { configs, color };
}

const AXIS = { labelAngle: 0, grid: false };
const PANEL = { width: 330, height: 240 };

/** One metric by the size of the body: a jittered point for each round, a line through the medians. */
function pointsPlot(results: Results, runtime: string, metric: string, scale: number, title: string) {
  const { configs, color } = configurations(results);
  const runs = articleSamples(results.samples, runtime);
  const sizes = [...new Set(runs.map(({ size }) => size))].sort((a, b) => a - b);
  const rounds = Math.max(...runs.map(({ round }) => round));
  const x = { field: "size", type: "ordinal", sort: sizes.map(formatSize), title: "size of the body" } as const;
  const points = runs.map(({ contender: config, size, round, values }) => ({
    ...{ config, size: formatSize(size), value: values[metric] * scale },
    // A fixed jitter: the same figures give the same file.
    jitter: (round - (rounds + 1) / 2) / rounds,
    // A logarithmic axis has no zero. A run in which no request was answered is in the table alone.
  })).filter(({ value }) => value > 0);
  const medians = configs.flatMap((config) =>
    sizes.map(formatSize).flatMap((size) => {
      const own = points.filter((point) => point.config === config && point.size === size).map(({ value }) => value);
      return own.length ? [{ config, size, value: median(own) }] : [];
    })
  );
  const y = { field: "value", type: "quantitative", scale: { type: "log" }, title: null } as const;
  return {
    ...PANEL,
    title: { text: `${title}, application on ${runtime}`, subtitle: "a point for each round, log scale" },
    layer: [
      {
        data: { values: medians },
        mark: { type: "line" as const, strokeWidth: 2, opacity: 0.8 },
        encoding: {
          x: { ...x, axis: AXIS },
          y: { ...y, axis: { values: logTicks(points.map(({ value }) => value)), format: "~s" } },
          color,
        },
      },
      {
        data: { values: points },
        mark: { type: "circle" as const, size: 32, opacity: 0.75 },
        encoding: {
          x: { ...x, axis: AXIS },
          xOffset: { field: "jitter", type: "quantitative" as const, scale: { domain: [-1.5, 1.5] } },
          y,
          color,
        },
      },
    ],
  };
}

/** Requests per second against the application's own HTTPS, the median of the rounds' ratios. */
function ratioPlot(results: Results, runtime: string) {
  const { samples } = results;
  const { configs, color } = configurations(results);
  const ours = configs.find((config) => config.startsWith("tls-off"));
  const sizes = [...new Set(articleSamples(samples, runtime).map(({ size }) => size))].sort((a, b) => a - b);
  const x = { field: "size", type: "ordinal", sort: sizes.map(formatSize), title: "size of the body" } as const;
  const ratios = configs.flatMap((config) =>
    sizes.flatMap((size) => {
      const rounds = (contender: string) =>
        valuesByRound(samples, { scenario: `article-${runtime}`, size, contender }, "requestsPerSecond");
      const ratio = pairedRatio(rounds(config), rounds("https"))?.median;
      return ratio ? [{ config, size: formatSize(size), ratio }] : [];
    })
  );
  return {
    ...PANEL,
    title: { text: "Requests per second, against its own HTTPS", subtitle: "median of the rounds' ratios" },
    layer: [
      {
        data: { values: ratios },
        mark: { type: "line" as const, strokeWidth: 2, point: { size: 40 } },
        encoding: {
          x: { ...x, axis: AXIS },
          y: {
            ...{ field: "ratio", type: "quantitative" as const, title: null, scale: { domainMin: 0 } },
            axis: { labelExpr: "datum.label + '×'", tickCount: 6 },
          },
          color,
        },
      },
      ...[false, true].map((below) => ({
        // With more than one row the figures would overlap.
        data: { values: ratios.filter(({ config, ratio }) => config === ours && (ratio < 1) === below) },
        // Away from the line of HTTPS, which is at 1.
        mark: { type: "text" as const, dy: below ? 14 : -12 },
        encoding: {
          x,
          y: { field: "ratio", type: "quantitative" as const },
          text: { field: "ratio", format: ".2f" },
        },
      })),
    ],
  };
}

/** The article's own figure, the median response time by the size of the body, beside requests per second. */
export function responsePlot(results: Results): TopLevelSpec {
  return {
    vconcat: articleRuntimes(results.samples).map((runtime) => ({
      spacing: 40,
      hconcat: [
        pointsPlot(results, runtime, "p50Us", 1e-3, "Median response time, ms"),
        pointsPlot(results, runtime, "requestsPerSecond", 1, "Requests per second"),
      ],
    })),
  };
}

/** Requests per second against the application's own HTTPS. */
export function articlePlot(results: Results): TopLevelSpec {
  return {
    columns: 2,
    spacing: 40,
    concat: articleRuntimes(results.samples).map((runtime) => ({
      ...ratioPlot(results, runtime),
      title: { text: `Application on ${runtime}`, subtitle: "requests per second, × its own HTTPS" },
    })),
  };
}
