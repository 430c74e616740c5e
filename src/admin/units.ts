/** Writes numbers for people, with three significant digits and a unit. */

const PREFIXES = ["", "k", "M", "G", "T", "P"];

/** Writes a number with a decimal prefix: `1.23 M`, `999`, `0.5`. */
export function formatNumber(value: number): string {
  let prefix = 0;
  // From 999.5 on it would be shown as 1000 with the smaller prefix.
  while (Math.abs(value) >= 999.5 && prefix < PREFIXES.length - 1) {
    value /= 1000;
    prefix++;
  }
  return prefix === 0 ? threeDigits(value) : `${threeDigits(value)} ${PREFIXES[prefix]}`;
}

/** Writes bytes: `1.23 MB`. */
export function formatBytes(bytes: number): string {
  const text = formatNumber(bytes);
  return text.includes(" ") ? `${text}B` : `${text} B`;
}

/** Writes a duration given in seconds: `230 µs`, `1.2 ms`, `3.4 s`, `5 min`, `2 h`, `3 d`; `–` for none. */
export function formatSeconds(seconds: number | null): string {
  if (seconds === null) return "–";
  if (seconds < 0.0009995) return `${threeDigits(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${threeDigits(seconds * 1e3)} ms`;
  if (seconds < 120) return `${threeDigits(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

function threeDigits(value: number): string {
  const size = Math.abs(value);
  if (size >= 99.95 || Number.isInteger(value)) return value.toFixed(0);
  return value.toFixed(size >= 9.995 ? 1 : 2).replace(/\.?0+$/, "");
}
