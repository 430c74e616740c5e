import { wrap } from "../../src/cli/help.ts";
import type { Block, Section } from "./model.ts";

/** Columns of a line of prose. */
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

/** Outside of code, characters that Markdown would take for itself. */
function escapeText(text: string): string {
  return text.split(/(`[^`]*`)/).map((part, index) => index % 2 === 1 ? part : part.replace(/[*_<>[\]]/g, "\\$&"))
    .join("");
}

/** As text; a table takes a bar, even in code, for the end of a cell. */
function escapeCell(text: string): string {
  return escapeText(text).replaceAll("|", "\\|");
}
