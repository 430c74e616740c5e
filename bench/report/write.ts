import { join } from "node:path";
import type { Results } from "../figures/results.ts";
import { articleRuntimes, articleSamples } from "./article_section.ts";
import { articleCsv, samplesCsv } from "./csv.ts";
import { renderPlot } from "./plots.ts";
import { plotNames, renderReport } from "./report.ts";

/** Writes every figure. */
export async function writeJson(results: Results, folder: string): Promise<void> {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "results.json"), JSON.stringify(results, null, 1) + "\n");
}

/** Writes a folder with the figures (CSV, JSON), the plots (SVG) and the report. */
export async function writeResults(results: Results, folder: string): Promise<void> {
  await writeJson(results, folder);
  const write = (name: string, text: string) => Deno.writeTextFile(join(folder, name), text);
  await write("samples.csv", samplesCsv(results.samples));
  for (const runtime of articleRuntimes(results.samples)) {
    // The name that the article uses for the runtime that it measured.
    const name = runtime === "node" ? "tls-bench.csv" : `tls-bench-${runtime}.csv`;
    await write(name, articleCsv(articleSamples(results.samples, runtime)));
  }
  for (const name of plotNames(results)) await write(`${name}.svg`, await renderPlot(name, results));
  await write("report.md", renderReport(results, { plots: true }));
}
