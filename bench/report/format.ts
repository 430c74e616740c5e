/** `10 B`, `10 kB`, `1 MB`: decimal units, as the sizes are given. */
export function formatSize(bytes: number): string {
  if (bytes >= 1e6) return `${trim(bytes / 1e6)} MB`;
  if (bytes >= 1e3) return `${trim(bytes / 1e3)} kB`;
  return `${bytes} B`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(1)));
}

/** Three significant digits, thousands set apart: `0.0123`, `31.2`, `1 744`, `28 300`. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const rounded = Math.abs(value) >= 1000 ? Number(value.toPrecision(4)) : value;
  const [whole, fraction] = rounded.toFixed(Math.min(digits, 6)).split(".");
  return fraction === undefined ? groupDigits(whole) : `${groupDigits(whole)}.${fraction}`;
}

function groupDigits(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, " ");
}

/** A whole number, all of its digits, thousands set apart. */
export function formatCount(count: number): string {
  return groupDigits(String(count));
}

/** `1.04×`. */
export function formatRatio(ratio: number): string {
  return `${ratio.toFixed(2)}×`;
}

/** `3 %`; under one per cent with a decimal. */
export function formatPercent(share: number): string {
  const percent = share * 100;
  return `${percent < 1 && percent > 0 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** A Markdown table whose columns are aligned in the source too; the first to the left, the others to the right. */
export function markdownTable(header: string[], rows: string[][]): string {
  const widths = header.map((cell, column) => Math.max(3, cell.length, ...rows.map((row) => row[column].length)));
  const line = (cells: string[]) =>
    `| ${
      cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])).join(" | ")
    } |`;
  const rule = widths.map((width, column) => column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(header), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}
