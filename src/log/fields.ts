/** The structured part of a log record, made safe to write: bounded, and without characters that could forge a line. */
import type { LogRecord } from "@std/log";
import type { EventName } from "./events.ts";

/** What a record says beside its message. */
export interface Fields {
  event?: EventName;
  /** When it happened, where that is not now (a record that came from another thread). */
  [TIME]?: Date;
  [name: string]: unknown;
}

/** The key of {@linkcode Fields} under which a record's own time travels. */
export const TIME: unique symbol = Symbol("time");

/** A value of a field as it is written. */
export type FieldValue = string | number | boolean | null | FieldValue[] | { [name: string]: FieldValue };

/** Longest string written of one field; a certificate's names may be as long as its owner likes. */
const MAX_STRING = 1024;
/** Most elements written of one list or object. */
const MAX_ELEMENTS = 64;
const MAX_DEPTH = 3;

/** C0, DEL, C1, line separators and the characters that turn the direction of text (Unicode UAX #9). */
// deno-lint-ignore no-control-regex
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/;
const ALL_UNSAFE = new RegExp(UNSAFE, "g");

/** Writes control characters as `\uXXXX`, so that no text can end its line, move the cursor or forge another field. */
export function escapeControls(text: string): string {
  // Nearly every text is safe, and to test is cheaper than to replace.
  if (!UNSAFE.test(text)) return text;
  return text.replace(ALL_UNSAFE, (character) => "\\u" + character.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** The fields of a record; a record without any has an empty one. */
export function fieldsOf(record: LogRecord): Fields {
  const [first] = record.args;
  return typeof first === "object" && first !== null ? first as Fields : {};
}

/** The time of a record: its own, or that of the logging. */
export function timeOf(record: LogRecord, fields: Fields): Date {
  return fields[TIME] ?? record.datetime;
}

/** The fields with `undefined` left out and every value plain and bounded. */
export function entriesOf(fields: Fields): [string, FieldValue][] {
  const entries: [string, FieldValue][] = [];
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) entries.push([name, plainValue(value)]);
  }
  return entries;
}

/** A value, plain and bounded. */
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
