/** Records in journald's own formats. */
import type { LevelName, LogRecord } from "@std/log";
import { entriesOf, escapeControls, type Fields, fieldsOf, type FieldValue, timeOf } from "./fields.ts";
import { formatFields } from "./format_text.ts";

/** syslog(3) priorities. */
const PRIORITIES: Record<LevelName, number> = { NOTSET: 7, DEBUG: 7, INFO: 6, WARN: 4, ERROR: 3, CRITICAL: 2 };

/** Bytes of an entry; the kernel takes datagrams of about 200 kB, and larger ones would need a memfd. */
const MAX_ENTRY = 64 * 1024;
/** Characters of the message; all of the fields are there on their own. */
const MAX_MESSAGE = 8 * 1024;
/** journald refuses longer names. */
const MAX_NAME = 64;
/** Fields that journald, or this encoder, gives a meaning. */
const RESERVED = new Set(["MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "TIME"]);

const encoder = new TextEncoder();

/**
 * A record as one datagram of the native protocol, each field a field of the journal; a list is the field repeated.
 * Values are written escaped, so that none has a newline and the protocol's binary form is never needed.
 */
export function encodeJournalEntry(record: LogRecord): Uint8Array {
  const fields = fieldsOf(record);
  let entry = `MESSAGE=${message(record.msg, fields)}\n` +
    `PRIORITY=${PRIORITIES[record.levelName as LevelName]}\nSYSLOG_IDENTIFIER=tls-off\nTIME=${
      timeOf(record, fields).toISOString()
    }\n`;
  for (const [name, value] of entriesOf(fields)) {
    const key = journalName(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      const line = `${key}=${escapeControls(text(one))}\n`;
      if (entry.length + line.length > MAX_ENTRY) return encoder.encode(entry + "TRUNCATED=1\n");
      entry += line;
    }
  }
  return encoder.encode(entry);
}

/** A record as a line for journald's stream socket. */
export function encodeJournalLine(record: LogRecord): Uint8Array {
  return encoder.encode(`<${PRIORITIES[record.levelName as LevelName]}>${message(record.msg, fieldsOf(record))}\n`);
}

/** What `journalctl` shows by default, so the fields are in it too. */
function message(text: string, fields: Fields): string {
  return (escapeControls(text) + formatFields(fields)).slice(0, MAX_MESSAGE);
}

/** Upper case, digits and underscores, starting with a letter (systemd.journal-fields(7)). */
function journalName(name: string): string {
  const key = name.toUpperCase().replace(/[^A-Z0-9_]/g, "_").replace(/^[_0-9]+/, "").slice(0, MAX_NAME);
  return key === "" || RESERVED.has(key) ? `FIELD_${key}` : key;
}

function text(value: FieldValue): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
