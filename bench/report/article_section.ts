import type { Results } from "../results.ts";
import type { Sample } from "../sample.ts";
import { formatCount, formatSize } from "./format.ts";
import { renderTable } from "./tables.ts";
import type { Table } from "./tables.ts";

/** What ran the application, in the order it was measured. */
export function articleRuntimes(samples: readonly Sample[]): string[] {
  const scenarios = samples.map(({ scenario }) => scenario).filter((scenario) => scenario.startsWith("article-"));
  return [...new Set(scenarios)].map((scenario) => scenario.slice("article-".length));
}

/** The runs with the application on one runtime. */
export function articleSamples(samples: readonly Sample[], runtime: string): Sample[] {
  return samples.filter(({ scenario }) => scenario === `article-${runtime}`);
}

function table(samples: readonly Sample[], runtime: string): Table {
  const runs = articleSamples(samples, runtime);
  const sizes = [...new Set(runs.map(({ size }) => size))].sort((a, b) => a - b);
  return {
    title: `requests per second, application on ${runtime}`,
    columns: sizes.map((size) => ({
      ...{ title: formatSize(size), scenario: `article-${runtime}`, size },
      ...{ metric: "requestsPerSecond", higherIsBetter: true },
    })),
  };
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
export function articleSection(results: Results, plot: string): string[] {
  const { samples, settings: { article } } = results;
  const runtimes = articleRuntimes(samples);
  if (runtimes.length === 0) return [];
  const fewer = reduced(results);
  return [
    plot,
    "An application that answers each request with its body: by plain HTTP, by its own HTTPS, and by HTTP on a Unix socket " +
    `with a proxy in front. ${article.rounds} rounds of ${article.durationMs / 1000} s with ${
      formatCount(article.connections)
    } connections${
      fewer && ` (fewer where descriptors or memory do not allow it: ${fewer})`
    }. The load generator has a ` +
    "CPU of its own; the application, and the proxy with it, have the others. Ratios are against the application's HTTPS.",
    ...runtimes.map((runtime) =>
      renderTable(samples, table(samples, runtime), {
        contenders: [...new Set(articleSamples(samples, runtime).map(({ contender }) => contender))].sort(),
        reference: () => "https",
      })
    ),
  ];
}
