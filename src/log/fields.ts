/** The fields of a log record, made safe to write: bounded, and without characters that could forge a line. */
import type { LogRecord } from "@std/log";
import type { EventName } from "./events.ts";

/** The fields of a record, which stand beside its message. */
export interface Fields {
  event?: EventName;
  /** When it happened, for a record that comes from another thread. */
  [TIME]?: Date;
  [name: string]: unknown;
}

/** The key of {@linkcode Fields} under which a record's own time travels. */
export const TIME: unique symbol = Symbol("time");

/** A value of a field as it is written. */
export type FieldValue = string | number | boolean | null | FieldValue[] | { [name: string]: FieldValue };

/** Longest string that is written of one field. The names in a client's certificate may be of any length. */
const MAX_STRING = 1024;
/** Most elements written of one list or object. */
const MAX_ELEMENTS = 64;
const MAX_DEPTH = 3;

/**
 * Control characters (C0, DEL, C1), line separators, and characters that change the direction of text (Unicode UAX #9).
 */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;
const ALL_UNSAFE = new RegExp(UNSAFE, "g");

/** Writes control characters as `\uXXXX`, so that no text can end its line, move the cursor or forge another field. */
export function escapeControls(text: string): string {
  // Nearly every text is safe, and testing is cheaper than replacing.
  if (!UNSAFE.test(text)) return text;
  return text.replace(ALL_UNSAFE, (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** The fields of a record; `{}` for a record without any. */
export function fieldsOf(record: LogRecord): Fields {
  const [first] = record.args;
  return typeof first === "object" && first !== null ? first as Fields : {};
}

/** The time of a record: the one that it brings along, else the one at which it was logged. */
export function timeOf(record: LogRecord, fields: Fields): Date {
  return fields[TIME] ?? record.datetime;
}

/** The fields as names and plain, bounded values. Fields that are `undefined` are left out. */
export function entriesOf(fields: Fields): [string, FieldValue][] {
  const entries: [string, FieldValue][] = [];
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) entries.push([name, plainValue(value)]);
  }
  return entries;
}

/** Makes a value plain and bounded. */
export function plainValue(value: unknown): FieldValue {
  return plain(value, 0);
}

function plain(value: unknown, depth: number): FieldValue {
  switch (typeof value) {
    case "string":
      return value.length > MAX_STRING ? value.slice(0, MAX_STRING) + "…" : value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "boolean":
      return value;
    case "object":
      break;
    default:
      return plain(String(value), depth);
  }
  if (value === null) return null;
  if (value instanceof Error) return plain(value.message, depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "invalid date" : value.toISOString();
  if (depth === MAX_DEPTH) return "…";
  if (Array.isArray(value)) return value.slice(0, MAX_ELEMENTS).map((element) => plain(element, depth + 1));
  const object: { [name: string]: FieldValue } = {};
  for (const [name, member] of Object.entries(value).slice(0, MAX_ELEMENTS)) {
    if (member !== undefined) object[name] = plain(member, depth + 1);
  }
  return object;
}
