import type { Results } from "../figures/results.ts";
import { articlePlot, responsePlot } from "./plots/article_plot.ts";
import { cpuPlot, memoryPlot, runtimesPlot } from "./plots/bar_plots.ts";
import { latencyPlot } from "./plots/latency_plot.ts";
import { renderSvg } from "./plots/render_svg.ts";
import type { PlotName } from "./report.ts";

const PLOTS = {
  article: articlePlot,
  "article-response": responsePlot,
  cpu: cpuPlot,
  latency: latencyPlot,
  memory: memoryPlot,
  runtimes: runtimesPlot,
};

/** Draws a plot as SVG. */
export function renderPlot(name: PlotName, results: Results): Promise<string> {
  return renderSvg(PLOTS[name](results));
}
