import type { Results } from "../figures/results.ts";
import { formatRatio, markdownTable } from "./format.ts";
import { computeCell } from "./tables.ts";
import type { Column } from "./tables.ts";

/** The barest loop on what one of ours runs on; null where there is none. */
export function barestOf(name: string): string | null {
  if (name === "tls-off:deno-node") return "barest:deno-node";
  const match = /^tls-off(?::(deno|bun|binary|bun-binary))?(?:-native)?$/.exec(name);
  if (!match) return null;
  return match[1]?.startsWith("bun") ? "barest:bun" : "barest:deno";
}

const TEXT =
  `The barest loop is the least that a TLS proxy on the runtime can do: it reads and writes (contenders/barest).
The ratio to it, with the same V8 flags and within the same rounds, is what deadlines, limits, counters and records of
\`tls-off\` cost; the rest is the runtime's. ≈: the rounds do not agree on which is cheaper.`;

/** How ours compare with the barest loops, a row for each column; empty where those did not run. */
export function barestSection({ samples, contenders }: Results, columns: Column[]): string {
  const names = new Set(contenders.map(({ name }) => name));
  const pairs = contenders.flatMap(({ name, kind }) => {
    const loop = kind === "ours" ? barestOf(name) : null;
    return loop !== null && names.has(loop) ? [{ name, loop }] : [];
  });
  const rows = columns.map((column) => [
    column.title,
    ...pairs.map(({ name, loop }) => {
      const ratio = computeCell(samples, column, name, loop)?.ratio;
      return ratio ? `${ratio.noise ? "≈" : ""}${formatRatio(ratio.median)}` : "–";
    }),
  ]).filter(([, ...cells]) => cells.some((cell) => cell !== "–"));
  if (rows.length === 0) return "";
  return `${TEXT}\n\n${markdownTable(["against the barest loop", ...pairs.map(({ name }) => name)], rows)}`;
}
