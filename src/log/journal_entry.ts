/** Writes records in the formats of systemd's journal. */
import type { LevelName, LogRecord } from "@std/log";
import { entriesOf, escapeControls, fieldsOf, timeOf } from "./fields.ts";
import { formatFields, word } from "./format_text.ts";

/** syslog(3) priorities. */
const PRIORITIES: Record<LevelName, number> = { NOTSET: 7, DEBUG: 7, INFO: 6, WARN: 4, ERROR: 3, CRITICAL: 2 };

/** Most characters of all fields. The kernel takes datagrams of about 200 kB, and larger ones would need a memfd. */
const MAX_FIELDS = 48 * 1024;
const TRUNCATED = "TRUNCATED=1\n";
/** Most characters of the message. Every field has an entry of its own besides. */
const MAX_MESSAGE = 8 * 1024;
/** journald refuses names that are longer. */
const MAX_NAME = 64;
const MAX_NAMES = 1_000;
/** Names that journald or this encoder gives a meaning. */
const RESERVED = new Set(["MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "TIME"]);

/** Fields that the message of a connection shows. A connection has many more, and each has an entry of its own. */
const SHOWN = new Set(["listener", "client", "backend", "bytes_in", "bytes_out", "duration_ms", "reason", "error"]);

const encoder = new TextEncoder();
/** Used again for each entry, since one is sent before the next is made. A character takes three bytes at most. */
const buffer = new Uint8Array(3 * (MAX_FIELDS + MAX_MESSAGE + 256));

/**
 * Writes a record as one datagram of journald's native protocol. Each field is a field of the journal; a list is the
 * field repeated. Values are escaped, so that none has a newline and the protocol's binary form is never needed.
 * @returns bytes that are valid until the next call
 */
export function encodeJournalEntry(record: LogRecord): Uint8Array {
  const fields = fieldsOf(record);
  const isConnection = fields.event === "connection";
  // journalctl shows the message alone by default, so it has the fields, too.
  let message = escapeControls(record.msg);
  let own = "";
  for (const [name, value] of entriesOf(fields)) {
    if (isConnection ? SHOWN.has(name) : name !== "event") message += ` ${escapeControls(name)}=${word(value)}`;
    const key = journalName(name);
    for (const one of Array.isArray(value) ? value : [value]) {
      const line = `${key}=${typeof one === "string" ? escapeControls(one) : word(one)}\n`;
      if (own.length + line.length <= MAX_FIELDS) own += line;
      else if (!own.endsWith(TRUNCATED)) own += TRUNCATED;
    }
  }
  const entry = `MESSAGE=${message.slice(0, MAX_MESSAGE)}\nPRIORITY=${PRIORITIES[record.levelName as LevelName]}\n` +
    `SYSLOG_IDENTIFIER=tls-off\nTIME=${timeOf(record, fields).toISOString()}\n${own}`;
  return buffer.subarray(0, encoder.encodeInto(entry, buffer).written);
}

/** Writes a record as a line for journald's stream socket. */
export function encodeJournalLine(record: LogRecord): Uint8Array {
  const message = escapeControls(record.msg) + formatFields(fieldsOf(record));
  return encoder.encode(`<${PRIORITIES[record.levelName as LevelName]}>${message.slice(0, MAX_MESSAGE)}\n`);
}

/** The names that were made so far. They come from the program itself, so they are few. */
const names = new Map<string, string>();

/** The name of a field in the journal: capitals, digits and underscores after a letter (systemd.journal-fields(7)). */
function journalName(name: string): string {
  const known = names.get(name);
  if (known !== undefined) return known;
  const made = makeName(name);
  if (names.size < MAX_NAMES) names.set(name, made);
  return made;
}

function makeName(name: string): string {
  const key = name.toUpperCase().replace(/[^A-Z0-9_]/g, "_").replace(/^[_0-9]+/, "").slice(0, MAX_NAME);
  return key === "" || RESERVED.has(key) ? `FIELD_${key}` : key;
}
