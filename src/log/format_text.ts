import type { LevelName, LogRecord } from "@std/log";
import { entriesOf, escapeControls, type Fields, fieldsOf, type FieldValue, timeOf } from "./fields.ts";

const COLORS: Record<LevelName, string> = {
  NOTSET: "0",
  DEBUG: "2",
  INFO: "36",
  WARN: "33",
  ERROR: "31",
  CRITICAL: "1;31",
};
const DIM = "2";

/** A value that is one word without quotes. */
const WORD = /^[^\s"'=\\]+$/;

/**
 * Makes a formatter for people: time, level, message, and the fields as `name=value`.
 * @param colors for a terminal: dimmed names, coloured levels, and the time of day without the date
 */
export function textFormatter(colors: boolean): (record: LogRecord) => string {
  const paint = (code: string, text: string) => colors ? `\x1b[${code}m${text}\x1b[0m` : text;
  return (record) => {
    const fields = fieldsOf(record);
    const time = timeOf(record, fields);
    const shownTime = paint(DIM, colors ? timeOfDay(time) : time.toISOString());
    const level = paint(COLORS[record.levelName as LevelName], record.levelName.padEnd(5));
    return `${shownTime} ${level} ${escapeControls(record.msg)}${formatFields(fields, (name) => paint(DIM, name))}`;
  };
}

/** Writes each field as ` name=value`, without the event's name, which the message makes clear. */
export function formatFields(fields: Fields, paint: (name: string) => string = (name) => name): string {
  let line = "";
  for (const [name, value] of entriesOf(fields)) {
    if (name !== "event") line += ` ${paint(escapeControls(name) + "=")}${word(value)}`;
  }
  return line;
}

function timeOfDay(time: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const milliseconds = String(time.getMilliseconds()).padStart(3, "0");
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${milliseconds}`;
}

/** Writes a value as one word, in quotes where it would not be one. */
export function word(value: FieldValue): string {
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "string") return escapeControls(JSON.stringify(value));
  return WORD.test(value) ? escapeControls(value) : escapeControls(JSON.stringify(value));
}
