import type { LogRecord } from "@std/log";
import { entriesOf, escapeControls, fieldsOf, type FieldValue, timeOf } from "./fields.ts";

/** A record as one line of JSON: `time`, `level`, `event`, `msg`, then its fields. */
export function formatJson(record: LogRecord): string {
  const fields = fieldsOf(record);
  const line: { [name: string]: FieldValue } = {
    time: timeOf(record, fields).toISOString(),
    level: record.levelName.toLowerCase(),
  };
  if (fields.event !== undefined) line.event = fields.event;
  line.msg = record.msg;
  for (const [name, value] of entriesOf(fields)) {
    if (!(name in line)) line[name] = value;
  }
  // JSON escapes C0 itself; the rest would still reach a terminal that shows the file. All of it is inside strings.
  return escapeControls(JSON.stringify(line));
}
