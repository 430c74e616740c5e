import type { Results } from "../figures/results.ts";
import type { Sample } from "../figures/sample.ts";
import { formatCount, formatSize } from "./format.ts";
import { renderTable } from "./tables.ts";
import type { Column, Table } from "./tables.ts";

/** What ran the application, in the order it was measured. */
export function articleRuntimes(samples: readonly Sample[]): string[] {
  const scenarios = samples.map(({ scenario }) => scenario).filter((scenario) => scenario.startsWith("article-"));
  return [...new Set(scenarios)].map((scenario) => scenario.slice("article-".length));
}

/** The runs with the application on one runtime. */
export function articleSamples(samples: readonly Sample[], runtime: string): Sample[] {
  return samples.filter(({ scenario }) => scenario === `article-${runtime}`);
}

/** A metric by the size of the body. */
function table(samples: readonly Sample[], runtime: string, title: string, column: Partial<Column>): Table {
  const runs = articleSamples(samples, runtime);
  const sizes = [...new Set(runs.map(({ size }) => size))].sort((a, b) => a - b);
  return {
    title: `${title}, application on ${runtime}`,
    columns: sizes.map((size) => ({
      ...{ title: formatSize(size), scenario: `article-${runtime}`, size, metric: "", ...column },
    })),
  };
}

/** Tables of one application. */
function tables(samples: readonly Sample[], runtime: string): Table[] {
  const share = { scale: 100, absolute: true };
  const all = [
    table(samples, runtime, "median response time, ms", { metric: "p50Us", scale: 1e-3 }),
    table(samples, runtime, "requests per second", { metric: "requestsPerSecond", higherIsBetter: true }),
    table(samples, runtime, "CPU of the application, %", { metric: "applicationCpuShare", ...share }),
    table(samples, runtime, "CPU of the proxy, %", { metric: "proxyCpuShare", ...share }),
  ];
  // Results of earlier versions have no shares.
  return all.filter(({ columns }) =>
    columns.some(({ metric }) => articleSamples(samples, runtime).some(({ values }) => values[metric] !== undefined))
  );
}

/** How many connections there were, where that is not as many as asked for. */
function reduced({ samples, settings }: Results): string {
  const fewer = new Map<number, number>();
  for (const { scenario, size, values } of samples) {
    if (scenario.startsWith("article-") && values.connections < settings.article.connections) {
      fewer.set(size, values.connections);
    }
  }
  return [...fewer].map(([size, count]) => `${formatCount(count)} at ${formatSize(size)}`).join(", ");
}

/** Plot, tables and method of the article's experiment; nothing where it did not run. */
export function articleSection(results: Results, plots: string[]): string[] {
  const { samples, settings: { article } } = results;
  const runtimes = articleRuntimes(samples);
  if (runtimes.length === 0) return [];
  const fewer = reduced(results);
  return [
    ...plots,
    "An application that answers each request with its body: by plain HTTP, by its own HTTPS, and by HTTP on a Unix socket " +
    `with a proxy in front. ${article.rounds} rounds of ${article.durationMs / 1000} s with ${
      formatCount(article.connections)
    } connections${
      fewer && ` (fewer where descriptors or memory do not allow it: ${fewer})`
    }. The load generator has a ` +
    "CPU of its own; the application, and the proxy with it, have the others. Ratios are against the application's HTTPS.",
    "The shares of CPU say why: where both together have used all that they may, which the load generator does not share, " +
    "what the proxy uses is what the application lacks.",
    ...runtimes.flatMap((runtime) =>
      tables(samples, runtime).map((table) =>
        renderTable(samples, table, {
          contenders: [...new Set(articleSamples(samples, runtime).map(({ contender }) => contender))].sort(),
          reference: () => "https",
        })
      )
    ),
  ];
}
