import { valuesByRound } from "../figures/sample.ts";
import type { Sample } from "../figures/sample.ts";
import { pairedRatio, summarise } from "../figures/stats.ts";
import type { Ratio, Summary } from "../figures/stats.ts";
import { formatFigure, formatPercent, formatRatio, markdownTable } from "./format.ts";

/** One metric of one scenario and size. */
export interface Column {
  title: string;
  scenario: string;
  size: number;
  metric: string;
  /** Multiplies the metric: µs to ms, bytes to kB. */
  scale?: number;
  /** True for rates: more is better. A ratio is value ÷ reference in both cases. */
  higherIsBetter?: boolean;
  /** True where a ratio would have no meaning. */
  absolute?: boolean;
}

export interface Table {
  title: string;
  columns: Column[];
}

/** A cell, before it becomes text. */
export interface Cell {
  summary: Summary;
  /** Against the reference; null for the reference itself and where there is none. */
  ratio: Ratio | null;
}

/** The peer with the best median; null where no peer ran. */
export function bestPeer(samples: readonly Sample[], column: Column, peers: readonly string[]): string | null {
  let best: { name: string; value: number } | null = null;
  for (const name of peers) {
    const summary = summarise([...valuesByRound(samples, { ...column, contender: name }, column.metric).values()]);
    if (!summary) continue;
    const better = best === null || (column.higherIsBetter ? summary.median > best.value : summary.median < best.value);
    if (better) best = { name, value: summary.median };
  }
  return best?.name ?? null;
}

/** Median, spread and ratio of a contender in a column; null where it did not run. */
export function computeCell(
  samples: readonly Sample[],
  column: Column,
  contender: string,
  reference: string | null,
): Cell | null {
  const values = valuesByRound(samples, { ...column, contender }, column.metric);
  const summary = summarise([...values.values()]);
  if (!summary) return null;
  const ratio = reference === null || reference === contender || column.absolute
    ? null
    : pairedRatio(values, valuesByRound(samples, { ...column, contender: reference }, column.metric));
  return { summary, ratio };
}

/** `31.2 ±2 % 1.04×`; with `≈` before the ratio where the rounds do not agree who is better. */
export function formatCell(cell: Cell | null, scale = 1): string {
  if (!cell) return "–";
  const parts = [formatFigure(cell.summary.median * scale)];
  if (cell.summary.count > 1) parts.push(`±${formatPercent(cell.summary.spread)}`);
  if (cell.ratio) parts.push(`${cell.ratio.noise ? "≈" : ""}${formatRatio(cell.ratio.median)}`);
  return parts.join(" ");
}

/** The ratio alone. */
export function formatCellRatio(cell: Cell | null): string {
  return cell?.ratio ? formatRatio(cell.ratio.median) : "–";
}

export interface TableOptions {
  /** Rows, in this order; those with nothing in them are left out. */
  contenders: readonly string[];
  /** Who a column's ratios are against. */
  reference(column: Column): string | null;
  format?: (cell: Cell | null, scale?: number) => string;
}

/** The table in Markdown; empty string when there is nothing in it. */
export function renderTable(samples: readonly Sample[], table: Table, options: TableOptions): string {
  const { contenders, reference, format = formatCell } = options;
  const references = table.columns.map(reference);
  const rows = contenders
    .map((contender) => ({
      contender,
      cells: table.columns.map((column, index) => computeCell(samples, column, contender, references[index])),
    }))
    .filter(({ cells }) => cells.some((cell) => cell !== null))
    .map(({ contender, cells }) => [
      contender,
      ...cells.map((cell, index) => format(cell, table.columns[index].scale)),
    ]);
  if (rows.length === 0) return "";
  return markdownTable([table.title, ...table.columns.map((column) => column.title)], rows);
}
