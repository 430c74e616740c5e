import type { TopLevelSpec } from "vega-lite";
import type { Results } from "../../results.ts";
import { median, pairedRatio } from "../../stats.ts";
import { valuesByRound } from "../../sample.ts";
import { articleRuntimes, articleSamples } from "../article_section.ts";
import { formatSize } from "../format.ts";
import { colorOf, COLORS, logTicks } from "./theme.ts";

/** Requests per second by body size as in the article (a point for each round, a line through the medians), and × HTTPS. */
export function articlePlot({ samples, contenders }: Results): TopLevelSpec {
  const runtimes = articleRuntimes(samples);
  const configs = [...new Set(runtimes.flatMap((runtime) => articleSamples(samples, runtime)).map((s) => s.contender))];
  const kinds = new Map(contenders.map(({ name, kind }) => [name, kind]));
  const ours = configs.find((config) => config.startsWith("tls-off"));
  const color = {
    field: "config",
    type: "nominal",
    title: null,
    scale: {
      domain: configs,
      range: configs.map((config) =>
        config === "http" || config === "https" ? COLORS[config] : colorOf(config, kinds.get(config) ?? "ours")
      ),
    },
  } as const;

  return {
    vconcat: runtimes.map((runtime) => {
      const runs = articleSamples(samples, runtime);
      const sizes = [...new Set(runs.map(({ size }) => size))].sort((a, b) => a - b);
      const rounds = Math.max(...runs.map(({ round }) => round));
      const x = { field: "size", type: "ordinal", sort: sizes.map(formatSize), title: "size of the body" } as const;
      const axis = { labelAngle: 0, grid: false };
      const points = runs.map(({ contender: config, size, round, values }) => ({
        ...{ config, size: formatSize(size), requestsPerSecond: values.requestsPerSecond },
        // A fixed jitter: the same figures give the same file.
        jitter: (round - (rounds + 1) / 2) / rounds,
        // On a logarithmic axis nothing has no place: a run in which no request was answered is in the table alone.
      })).filter(({ requestsPerSecond }) => requestsPerSecond > 0);
      const medians = configs.flatMap((config) =>
        sizes.flatMap((size) => {
          const where = { scenario: `article-${runtime}`, size };
          const own = valuesByRound(samples, { ...where, contender: config }, "requestsPerSecond");
          const https = valuesByRound(samples, { ...where, contender: "https" }, "requestsPerSecond");
          if (own.size === 0 || median([...own.values()]) === 0) return [];
          const ratio = pairedRatio(own, https)?.median;
          return [{ config, size: formatSize(size), requestsPerSecond: median([...own.values()]), ratio }];
        })
      );
      return {
        spacing: 40,
        hconcat: [{
          title: {
            text: `Requests per second, application on ${runtime}`,
            subtitle: "a point for each round, log scale",
          },
          width: 330,
          height: 240,
          layer: [
            {
              data: { values: medians },
              mark: { type: "line", strokeWidth: 2, opacity: 0.8 },
              encoding: {
                x: { ...x, axis },
                y: {
                  ...{ field: "requestsPerSecond", type: "quantitative", scale: { type: "log" }, title: null },
                  axis: { values: logTicks(points.map((point) => point.requestsPerSecond)), format: "~s" },
                },
                color,
              },
            },
            {
              data: { values: points },
              mark: { type: "circle", size: 32, opacity: 0.75 },
              encoding: {
                x: { ...x, axis },
                xOffset: { field: "jitter", type: "quantitative", scale: { domain: [-1.5, 1.5] } },
                y: { field: "requestsPerSecond", type: "quantitative", scale: { type: "log" } },
                color,
              },
            },
          ],
        }, {
          title: { text: "Against the application's own HTTPS", subtitle: "median of the rounds' ratios" },
          width: 330,
          height: 240,
          layer: [
            {
              data: { values: medians },
              mark: { type: "line", strokeWidth: 2, point: { size: 40 } },
              encoding: {
                x: { ...x, axis },
                y: {
                  ...{ field: "ratio", type: "quantitative", title: null, scale: { domainMin: 0 } },
                  axis: { labelExpr: "datum.label + '×'", tickCount: 6 },
                },
                color,
              },
            },
            ...[false, true].map((below) => ({
              data: {
                // More than one row of figures would lie over one another.
                values: medians.filter(({ config, ratio }) =>
                  config === ours && ratio !== undefined && (ratio < 1) === below
                ),
              },
              // Away from the line of HTTPS, which is at 1.
              mark: { type: "text" as const, dy: below ? 14 : -12 },
              encoding: {
                x,
                y: { field: "ratio", type: "quantitative" as const },
                text: { field: "ratio", format: ".2f" },
              },
            })),
          ],
        }],
      };
    }),
  };
}
