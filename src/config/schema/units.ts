import { ValueError } from "../../net/value_error.ts";

const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const SIZE_BYTES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/** The longest delay that timers take. Beyond it setTimeout() fires at once (HTML Living Standard: 32 bits). */
export const MAX_DURATION_MS = 2 ** 31 - 1;

/** What {@linkcode parseDuration} takes, to follow "must be". */
export const DURATION_ALLOWED = 'a duration such as "500ms", "10s", "5m" or "1h", or 0 for off';
/** What {@linkcode parseSize} takes, to follow "must be". */
export const SIZE_ALLOWED = 'a size such as "512B", "64KiB", "10MiB" or "1GiB", or a whole number of bytes';

/**
 * Parses a duration: `"500ms"`, `"10s"`, `"5m"`, `"1h"`, or `0` for off.
 *
 * @param value a text with a unit, or the number 0
 * @returns milliseconds
 * @throws {ValueError} when the form is wrong, a number has no unit, or it is longer than a timer can be
 *
 * @example
 * ```ts
 * parseDuration("1.5s"); // 1500
 * ```
 */
export function parseDuration(value: unknown): number {
  const fail = (detail: string) => new ValueError("duration", value, detail);
  if (value === 0 || value === "0") return 0;
  if (typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value))) {
    throw fail(`needs a unit: must be ${DURATION_ALLOWED}`);
  }
  const match = typeof value === "string" && /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h)$/.exec(value);
  if (!match) {
    const meant = meantDuration(value);
    throw fail(`must be ${DURATION_ALLOWED}${meant === null ? "" : `: did you mean "${meant}"?`}`);
  }
  const durationMs = roundedProduct(match[1], DURATION_MS[match[2] as keyof typeof DURATION_MS]);
  if (!Number.isInteger(durationMs)) throw fail("must be whole milliseconds");
  if (durationMs > MAX_DURATION_MS) throw fail("must be at most 596h");
  return durationMs;
}

/** The duration that was probably meant by `30 sec`, `5min` or `2 Hours`. */
function meantDuration(value: unknown): string | null {
  const [, digits, word] = /^\s*(\d{1,12})\s*([a-z]{1,12})\s*$/i.exec(typeof value === "string" ? value : "") ?? [];
  const unit = UNIT_WORDS.find(([, words]) => words.test(word ?? ""))?.[0];
  return unit === undefined ? null : `${digits}${unit}`;
}

const UNIT_WORDS: [keyof typeof DURATION_MS, RegExp][] = [
  ["ms", /^(ms|msecs?|milliseconds?)$/i],
  ["s", /^(s|secs?|seconds?)$/i],
  ["m", /^(m|mins?|minutes?)$/i],
  ["h", /^(h|hrs?|hours?)$/i],
];

/** Writes milliseconds in the largest unit that is exact: `90000` is `90s`, `0` is `0`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return "0";
  for (const unit of ["h", "m", "s"] as const) {
    if (durationMs % DURATION_MS[unit] === 0) return `${durationMs / DURATION_MS[unit]}${unit}`;
  }
  return `${durationMs}ms`;
}

/**
 * Parses a size: `"512B"`, `"64KiB"`, `"10MiB"`, `"1GiB"`, or a whole number of bytes.
 *
 * @param value a text with a unit, or a number of bytes
 * @returns bytes
 * @throws {ValueError} when the form is wrong, or the size is beyond what a number holds exactly
 */
export function parseSize(value: unknown): number {
  const fail = (detail: string) => new ValueError("size", value, detail);
  let bytes: number;
  if (typeof value === "number") {
    bytes = value;
  } else {
    const match = typeof value === "string" && /^(\d{1,15}(?:\.\d{1,6})?)(B|KiB|MiB|GiB)?$/.exec(value);
    if (!match) throw fail(`must be ${SIZE_ALLOWED}`);
    bytes = roundedProduct(match[1], SIZE_BYTES[(match[2] ?? "B") as keyof typeof SIZE_BYTES]);
  }
  if (!Number.isInteger(bytes) || bytes < 0) throw fail("must be whole bytes, 0 or more");
  if (bytes > Number.MAX_SAFE_INTEGER) throw fail("must be below 8388608GiB");
  return bytes;
}

/** Writes bytes in the largest unit that is exact: `65536` is `64KiB`. */
export function formatSize(bytes: number): string {
  if (bytes === 0) return "0";
  for (const unit of ["GiB", "MiB", "KiB"] as const) {
    if (bytes % SIZE_BYTES[unit] === 0) return `${bytes / SIZE_BYTES[unit]}${unit}`;
  }
  return `${bytes}B`;
}

/** Multiplies, and rounds what is nearly a whole number: `1.1 * 1000` is 1100.0000000000002 in floating point. */
function roundedProduct(digits: string, factor: number): number {
  const product = Number(digits) * factor;
  const whole = Math.round(product);
  return Math.abs(product - whole) < 1e-4 ? whole : product;
}
