import { wrap } from "../../src/cli/help.ts";
import type { Block, Section } from "./model.ts";

/** Most characters of a line of prose. */
export const WIDTH = 120;

/** Writes the sections as Markdown, each with a heading of the second level. */
export function toMarkdown(sections: Section[]): string {
  return sections.map(({ title, blocks }) => [`## ${title}`, ...blocks.map(block)].join("\n\n")).join("\n\n");
}

function block(one: Block): string {
  switch (one.kind) {
    case "heading":
      return `### ${/^\[/.test(one.text) ? `\`${one.text}\`` : one.text}`;
    case "text":
      return wrap(escapeText(one.text), 0, 0, WIDTH).join("\n");
    case "code":
      return ["```", ...one.lines, "```"].join("\n");
    case "table": {
      const { columns, rows } = one.table;
      const row = (cells: string[]) => `| ${cells.map(escapeCell).join(" | ")} |`;
      return [row(columns), row(columns.map(() => "---")), ...rows.map(row)].join("\n");
    }
  }
}

/** Escapes characters that have a meaning in Markdown, outside of code. */
function escapeText(text: string): string {
  return text.split(/(`[^`]*`)/).map((part, index) => index % 2 === 1 ? part : part.replace(/[*_<>[\]]/g, "\\$&"))
    .join("");
}

/** Escapes a cell. In a table a bar ends the cell, even in code. */
function escapeCell(text: string): string {
  return escapeText(text).replaceAll("|", "\\|");
}
