import assert from "node:assert/strict";
import type { LogConfig } from "../../src/config/config.ts";
import { encodeJournalEntry, encodeJournalLine } from "../../src/log/journal_entry.ts";
import { createLogger } from "../../src/log/log.ts";
import type { JournalSocket } from "../../src/systemd/journal_socket.ts";
import { makeRecord } from "./log_record.ts";
import { MemoryOutput } from "./memory_output.ts";
import { until } from "../support/wait.ts";

const CONFIG: LogConfig = {
  level: "info",
  format: "journald",
  access: true,
  metricsIntervalMs: 0,
  file: "",
  fileSize: 0,
  fileCount: 0,
};

const decoder = new TextDecoder();

const record = (msg: string, fields: Record<string, unknown>) => makeRecord("warn", msg, fields);

/** The fields of an entry; journald reads the text form up to the newline. */
function parse(bytes: Uint8Array): [string, string][] {
  const lines = decoder.decode(bytes).split("\n");
  assert.equal(lines.pop(), "");
  return lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]);
}

Deno.test("encodeJournalEntry() makes each field a field of the journal, lists repeated", () => {
  const entry = parse(encodeJournalEntry(record("closed", {
    event: "connection",
    client: "203.0.113.7",
    bytes_in: 12,
    client_dns: ["a.example", "b.example"],
    nothing: undefined,
  })));
  const at = entry.findIndex(([key]) => key === "TIME");
  assert.match(entry.splice(at, 1)[0][1], /^\d{4}-.*Z$/);
  assert.deepEqual(entry, [
    ["MESSAGE", "closed client=203.0.113.7 bytes_in=12"],
    ["PRIORITY", "4"],
    ["SYSLOG_IDENTIFIER", "tls-off"],
    ["EVENT", "connection"],
    ["CLIENT", "203.0.113.7"],
    ["BYTES_IN", "12"],
    ["CLIENT_DNS", "a.example"],
    ["CLIENT_DNS", "b.example"],
  ]);
});

Deno.test("encodeJournalEntry() shows all fields of what is no connection in the message", () => {
  const [[, message]] = parse(
    encodeJournalEntry(record("listening", { event: "listening", address: "[::1]:443", n: [1] })),
  );
  assert.equal(message, "listening address=[::1]:443 n=[1]");
});

Deno.test("encodeJournalEntry() lets no value or name forge a field", () => {
  const evil = "x\nPRIORITY=0\n_UID=0\0";
  const entry = parse(encodeJournalEntry(record(evil, { sni: evil, [evil]: "v", _uid: "1", message: "m", "": "e" })));
  assert.deepEqual(entry.map(([key]) => key), [
    "MESSAGE",
    "PRIORITY",
    "SYSLOG_IDENTIFIER",
    "TIME",
    "SNI",
    "X_PRIORITY_0__UID_0_",
    "UID",
    "FIELD_MESSAGE",
    "FIELD_",
  ]);
  assert.equal(entry[4][1], "x\\u000aPRIORITY=0\\u000a_UID=0\\u0000");
});

Deno.test("encodeJournalEntry() stays within a datagram", () => {
  const fields: Record<string, unknown> = {};
  for (let i = 0; i < 500; i++) fields[`field${i}`] = "x".repeat(2000);
  const bytes = encodeJournalEntry(record("big", fields));
  assert.ok(bytes.length < 200_000, `${bytes.length} bytes`);
  assert.deepEqual(parse(bytes).at(-1), ["TRUNCATED", "1"]);
});

Deno.test("encodeJournalLine() has the priority in front", () => {
  assert.equal(decoder.decode(encodeJournalLine(record("a\nb", { client: "::1" }))), "<4>a\\u000ab client=::1\n");
});

/** A journald that can be away, or hang. */
class FakeJournal implements JournalSocket {
  readonly native = true;
  entries: [string, string][][] = [];
  up = true;
  #gate: PromiseWithResolvers<void> | null = null;

  hang(): void {
    this.#gate = Promise.withResolvers<void>();
  }

  /** Ends a hang; with `up` false the send under way fails. */
  resume(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  async send(bytes: Uint8Array): Promise<void> {
    await this.#gate?.promise;
    if (!this.up) throw Object.assign(new Error("Connection refused"), { code: "ECONNREFUSED" });
    this.entries.push(parse(bytes));
  }

  close(): void {}

  get messages(): string[] {
    return this.entries.map((entry) => Object.fromEntries(entry).MESSAGE);
  }
}

function setUp() {
  const stderr = new MemoryOutput();
  const journal = new FakeJournal();
  const clock = { nowMs: 0 };
  const log = createLogger(CONFIG, {
    stderr,
    terminal: false,
    environment: () => undefined,
    journal: () => journal,
    nowMs: () => clock.nowMs,
  });
  return { stderr, journal, log, clock };
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("JournalTarget sends records to standard error while the journal is away, and says how many", async () => {
  const { stderr, journal, log, clock } = setUp();
  journal.up = false;
  for (let i = 0; i < 3; i++) log.info(`away ${i}`);
  await turn();
  assert.equal(log.diverted, 3);
  journal.up = true;
  // One record tries each second.
  clock.nowMs += 1_000;
  log.info("back");
  await turn();
  await log.close();
  assert.match(stderr.lines[0], /^tls-off: Cannot reach the journal, logging here meanwhile: Connection refused$/);
  assert.deepEqual(stderr.lines.slice(1).map((line) => / (away \d)$/.exec(line)?.[1]), ["away 0", "away 1", "away 2"]);
  assert.equal(journal.messages[0], "back");
  const said = Object.fromEntries(journal.entries[1]);
  assert.equal(said.EVENT, "journal-recovered");
  assert.equal(said.DIVERTED, "3");
  assert.equal(said.PRIORITY, "4");
  assert.equal(log.dropped, 0);
});

Deno.test("JournalTarget repeats on standard error what a dying journal may have had in its socket", async () => {
  const { stderr, journal, log } = setUp();
  log.info("sent");
  await turn();
  journal.up = false;
  log.info("refused");
  await turn();
  await log.close();
  assert.deepEqual(journal.messages, ["sent"]);
  assert.deepEqual(stderr.lines.slice(1).map((line) => line.split(" ").at(-1)), ["sent", "refused"]);
  assert.equal(log.diverted, 2);
});

Deno.test("JournalTarget keeps no more than a bound while the journal hangs, and loses nothing", async () => {
  const { stderr, journal, log } = setUp();
  journal.hang();
  const count = 10_000;
  for (let i = 0; i < count; i++) log.info("hanging", { i });
  await turn();
  assert.equal(log.diverted, count - 8192);
  journal.resume();
  const recoveries = () =>
    journal.entries.map((entry) => Object.fromEntries(entry)).filter(({ EVENT }) => EVENT === "journal-recovered");
  await until(() => recoveries().length > 0, "it is said what went elsewhere");
  await log.close();
  const recovered = recoveries();
  assert.deepEqual(recovered.map((entry) => entry.DIVERTED), [String(count - 8192)]);
  const seen = new Set<number>();
  for (const entry of journal.entries) seen.add(Number(Object.fromEntries(entry).I));
  for (const line of stderr.lines) seen.add(Number(/ i=(\d+)$/.exec(line)?.[1]));
  for (let i = 0; i < count; i++) assert.ok(seen.has(i), `record ${i}`);
});

Deno.test("JournalTarget gives what still waits to standard error when it is closed", async () => {
  const { stderr, journal, log } = setUp();
  journal.hang();
  log.info("first");
  log.info("second");
  await turn();
  await log.close();
  assert.deepEqual(stderr.lines.map((line) => line.split(" ").at(-1)), ["first", "second"]);
});
