import type { LogRecord } from "@std/log";
import { escapeControls, fieldsOf, plainValue, timeOf } from "./fields.ts";

/** Names that the formatter writes itself. A field of such a name is left out. */
const RESERVED = new Set(["time", "level", "event", "msg"]);

/** Text that needs no escape between the quotes of JSON. */
// deno-lint-ignore no-control-regex
const VERBATIM = /^[^"\\\u0000-\u001f\u007f-\uffff]*$/;

/**
 * Writes a record as one line of JSON: `time`, `level`, `event`, `msg`, then its fields. The line is put together piece
 * by piece, which takes half the time of `JSON.stringify` on an object made for it; every connection pays for this.
 */
export function formatJson(record: LogRecord): string {
  const fields = fieldsOf(record);
  let line = `{"time":"${timeOf(record, fields).toISOString()}","level":"${record.levelName.toLowerCase()}"`;
  if (fields.event !== undefined) line += `,"event":${json(fields.event)}`;
  line += `,"msg":${json(record.msg)}`;
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined && !RESERVED.has(name)) line += `,${json(name)}:${json(value)}`;
  }
  return line + "}";
}

function json(value: unknown): string {
  if (typeof value === "string" && value.length < 256 && VERBATIM.test(value)) return `"${value}"`;
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  // JSON escapes only C0. The other control characters would reach a terminal that shows the file; all are in strings.
  return escapeControls(JSON.stringify(plainValue(value)));
}
