import { valuesByRound } from "../sample.ts";
import type { Sample } from "../sample.ts";
import { pairedRatio, summarise } from "../stats.ts";
import type { Ratio, Summary } from "../stats.ts";
import { formatFigure, formatPercent, formatRatio, markdownTable } from "./format.ts";

/** One metric of one scenario and size. */
export interface Column {
  title: string;
  scenario: string;
  size: number;
  metric: string;
  /** Multiplies the metric: µs to ms, bytes to kB. */
  scale?: number;
  /** True for rates: more is better. The ratio is value ÷ best in both cases. */
  higherIsBetter?: boolean;
}

export interface Table {
  title: string;
  columns: Column[];
}

/** A cell, before it becomes text. */
export interface Cell {
  summary: Summary;
  /** Against the best peer; null for that peer itself and where there is none. */
  ratio: Ratio | null;
}

/** The peer with the best median; null where no peer ran. */
export function bestPeer(samples: readonly Sample[], column: Column, peers: readonly string[]): string | null {
  let best: { name: string; value: number } | null = null;
  for (const name of peers) {
    const summary = summarise([...valuesByRound(samples, { ...column, contender: name }, column.metric).values()]);
    if (!summary) continue;
    const better = best === null ||
      (column.higherIsBetter ? summary.median > best.value : summary.median < best.value);
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
  const ratio = reference === null || reference === contender
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

/** The table in Markdown, with a row for each contender that has anything in it; empty string when nobody has. */
export function renderTable(
  samples: readonly Sample[],
  table: Table,
  contenders: readonly string[],
  peers: readonly string[],
): string {
  const references = table.columns.map((column) => bestPeer(samples, column, peers));
  const rows = contenders.map((contender) => {
    const cells = table.columns.map((column, index) => computeCell(samples, column, contender, references[index]));
    return { contender, cells };
  }).filter(({ cells }) => cells.some((cell) => cell !== null));
  if (rows.length === 0) return "";
  return markdownTable(
    [table.title, ...table.columns.map((column) => column.title)],
    rows.map(({ contender, cells }) => [
      contender,
      ...cells.map((cell, index) => formatCell(cell, table.columns[index].scale)),
    ]),
  );
}
