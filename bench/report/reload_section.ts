import type { Sample } from "../figures/sample.ts";
import { formatCount, formatFigure, markdownTable } from "./format.ts";

/** Who was dropped while proxies reloaded, in Markdown; empty string where that was not tried. */
export function reloadSection(samples: readonly Sample[]): string {
  const rows = samples.filter(({ scenario }) => scenario === "reload").map(({ contender, values }) => [
    contender,
    formatCount(values.reloads),
    `${formatCount(values.newFailed)} of ${formatCount(values.newConnections)}`,
    formatFigure(values.newWorstMs),
    `${formatCount(values.keptFailed)} in ${formatCount(values.keptRequests)}`,
  ]);
  if (rows.length === 0) return "";
  return markdownTable(
    ["", "reloads", "new connections that failed", "slowest of them, ms", "kept connections that broke, in requests"],
    rows,
  );
}
