import { quoteValue } from "../net/quote_value.ts";
import type { Position } from "./positions.ts";

const TOML_EXAMPLE = '[[listener]] on a line of its own, then listen = ":8443"';

/** A key and what follows its `=`. */
const ASSIGNMENT = /^\s*([\w."'-]{1,80})\s*=\s*(.*?)\s*$/;
const TYPOGRAPHIC_QUOTE = /[\u2018-\u201f\u00ab\u00bb]/;
/** A whole string, and what follows it. */
const STRING = /^(?:"(?:[^"\\]|\\.)*"|'[^']*')/;

/**
 * Says what was probably done where a parser of TOML only says what it does not take.
 *
 * @param source the whole text
 * @param place where the parser stopped
 * @param detail what the parser said
 * @returns `null` where nothing is to be seen
 */
export function explainSyntax(source: string, { line }: Position, detail: string): string | null {
  if (/^\s*\{/.test(source)) return `this is JSON, must be TOML: ${TOML_EXAMPLE}`;
  if (source.startsWith("-----BEGIN ")) return `this is a PEM file, must be TOML: ${TOML_EXAMPLE}`;
  if (source.includes("\0")) return "there are NUL characters in it: save it as UTF-8, not UTF-16";
  if (/\r(?!\n)/.test(source) && !source.includes("\n")) return "its lines end by CR alone, must end by LF or CRLF";
  const lines = source.split("\n").map((text) => text.replace(/\r$/, ""));
  const text = lines[line - 1] ?? "";
  if (/^\s*(- )?[\w-]+:(\s|$)/.test(text) && !text.includes("=")) return `this is YAML, must be TOML: ${TOML_EXAMPLE}`;
  if (/redefine|duplicate|already/i.test(detail)) return explainSecond(lines, line);
  if (/^\s*(\/\/|;|--)/.test(text)) return "a comment begins with #";
  if (/escape/i.test(detail)) return "a backslash begins an escape: write two, or put the text in single quotes";
  if (/comma/i.test(detail)) return "a comma, or the closing bracket, is missing before this";
  const [, key, value] = ASSIGNMENT.exec(text) ?? [];
  return key === undefined ? explainLine(text) : explainValue(key, value);
}

/** What is wrong with a line that is neither empty nor `key = value`. */
function explainLine(text: string): string | null {
  const bare = text.replace(/#.*$/, "").trim();
  const header = /^\[\[?([\w.-]{1,80})\]?$/.exec(bare);
  if (header) {
    const brackets = bare.startsWith("[[") ? ["[[", "]]"] : ["[", "]"];
    return `the closing ${brackets[1]} is missing: ${brackets[0]}${header[1]}${brackets[1]}`;
  }
  const [, key, value] = /^([\w-]{1,80})\s+(\S.*)$/.exec(bare) ?? [];
  return key === undefined ? null : `a key and its value need = between them: ${key} = ${quoted(value)}`;
}

function explainValue(key: string, value: string): string | null {
  if (TYPOGRAPHIC_QUOTE.test(value[0] ?? "")) return `found ${value[0]}, a string has straight quotes: "…"`;
  if (/^"""|^'''|^[[{]/.test(value)) return null;
  const string = STRING.exec(value)?.[0];
  if (string === undefined) return /^["']/.test(value) ? explainOpenString(value[0]) : explainBare(key, value);
  const rest = value.slice(string.length).trim();
  if (rest.startsWith(",")) return `several values are a list: ${key} = [${shortened(value)}]`;
  if (rest.startsWith(";")) return "found ; behind the value: a line has no end but its own";
  return ASSIGNMENT.test(rest) ? "each key must be on a line of its own" : null;
}

const explainOpenString = (quote: string) => `the closing ${quote} of the string is missing`;

/** What is wrong with a value that is not quoted. */
function explainBare(key: string, value: string): string | null {
  const bare = value.replace(/\s#.*$/, "").trim();
  if (bare === "") return "the value is missing";
  const meant = MEANT_BOOLEAN[bare.toLowerCase()];
  if (meant !== undefined) return `found ${bare}, did you mean ${meant}?`;
  return `a text must be in quotes: ${key} = ${quoted(bare)}`;
}

const MEANT_BOOLEAN: Record<string, boolean> = { yes: true, no: false, true: true, false: false };

/** What is given a second time, and where the first is. */
function explainSecond(lines: string[], line: number): string | null {
  const text = lines[line - 1]?.trim() ?? "";
  const header = /^\[+[^\]]+\]+/.exec(text)?.[0];
  const what = header ?? ASSIGNMENT.exec(text)?.[1];
  if (what === undefined) return null;
  const below = header === undefined
    ? -1
    : lines.findIndex((other) => other.trim().startsWith(`[${header.replace(/[[\]]/g, "")}.`));
  if (below >= 0 && below < line - 1) return `${header} must stand above ${lines[below].trim()} (line ${below + 1})`;
  let first = line - 1;
  while (first > 0) {
    const other = lines[first - 1].trim();
    if (header === undefined ? ASSIGNMENT.exec(other)?.[1] === what : other.startsWith(header)) break;
    // Beyond the header of its table a key is another one.
    if (header === undefined && other.startsWith("[")) return null;
    first--;
  }
  return first === 0 ? null : `${what} stands here a second time, it is on line ${first} already`;
}

/** A value as it should be written: text in quotes, and what has quotes as it is. */
function quoted(value: string): string {
  return STRING.exec(value)?.[0] === value ? shortened(value) : quoteValue(value);
}

function shortened(value: string): string {
  // A private key that was pasted in the place of its path must not appear in a log.
  if (/-----BEGIN|PRIVATE KEY/.test(value)) return "…";
  return value.length > 80 ? `${value.slice(0, 80)}…` : value;
}
