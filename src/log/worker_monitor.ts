/**
 * The worker's side of monitoring: it gives each listener and route its telemetry, which counts in shared memory, and
 * posts records to the main thread in batches.
 */
import type { LogLevel } from "../config/config.ts";
import { ClientTable } from "../metrics/client_table.ts";
import { FailureLimiter } from "./failure_limiter.ts";
import { entriesOf, type Fields } from "./fields.ts";
import { isLogged } from "./levels.ts";
import type { Log } from "./log.ts";
import { type ConnectionRecord, isTurnedAway } from "../metrics/record.ts";
import { describeReason, type Reason } from "../metrics/reasons.ts";
import { type Records, RouteTelemetry, RowTelemetry } from "../metrics/row_telemetry.ts";
import { type ListenerRows, type ListenerShape, mapRows } from "../metrics/rows.ts";
import type { Telemetry } from "../metrics/telemetry.ts";

/** What the main thread gives a worker to write to. It is plain data, so that it can be posted. */
export interface MonitorMemory {
  /** Unique among all workers of all generations. */
  id: number;
  /** The worker's index, 0 to N − 1. */
  worker: number;
  listeners: ListenerShape[];
  rows: SharedArrayBuffer;
  /** The table of clients; `null` where clients are not told apart. */
  clients: { buffer: SharedArrayBuffer; capacity: number } | null;
  /** Whether connections that ended in good order are logged. */
  access: boolean;
  /** The lowest level of the records that are made. */
  level: LogLevel;
}

/** One thing that a worker wants logged. Times are milliseconds since the epoch. */
export type Entry =
  | { kind: "connection"; atMs: number; record: ConnectionRecord }
  | { kind: "rejected"; atMs: number; listener: string; worker: number; client: string; reason: Reason; error?: string }
  | { kind: "suppressed"; reason: Reason; count: number }
  | { kind: "log"; atMs: number; level: LogLevel; message: string; fields: Fields };

/** How long an entry waits for others, and how many entries are posted together at most. */
const BATCH_MS = 100;
const BATCH_ENTRIES = 256;

/**
 * Entries of failures that one worker posts: at once, and in the long run. The main thread limits all workers together,
 * and a flood of entries must not keep it from its other work.
 */
const FAILURE_BURST = 100;
const FAILURES_PER_SECOND = 50;

/** The monitor of one worker. */
export class WorkerMonitor {
  readonly log: Log;
  readonly #listeners: Map<string, ListenerRows>;
  readonly #clients: ClientTable | null;
  readonly #limiter = new FailureLimiter(FAILURE_BURST, FAILURES_PER_SECOND);
  #entries: Entry[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param post hands a batch to the main thread */
  constructor(readonly memory: MonitorMemory, private readonly post: (entries: Entry[]) => void) {
    this.#listeners = new Map(mapRows(memory.rows, memory.listeners).map((rows) => [rows.name, rows]));
    this.#clients = memory.clients && new ClientTable(memory.clients.buffer, memory.clients.capacity);
    const logAt = (level: LogLevel) => (message: string, fields: Fields = {}) => {
      if (!isLogged(level, memory.level)) return;
      this.#add({ kind: "log", atMs: Date.now(), level, message, fields: Object.fromEntries(entriesOf(fields)) });
    };
    this.log = {
      debug: logAt("debug"),
      info: logAt("info"),
      warn: logAt("warn"),
      error: logAt("error"),
      enabled: (level) => isLogged(level, memory.level),
    };
  }

  /** The telemetry of one listener of this worker, or of one of its routes. */
  telemetry(listener: string, route?: string): Telemetry {
    const rows = this.#listeners.get(listener);
    if (!rows) throw new RangeError(`Cannot observe listener "${listener}": it has no memory in this worker`);
    const records: Records = {
      closed: (record) => this.#closed(record),
      rejected: (reason, client, error) => this.#rejected(listener, reason, client, error),
    };
    if (route === undefined) return new RowTelemetry(rows, this.#clients, records);
    const routeRows = rows.routes.find(({ name }) => name === route);
    if (!routeRows) {
      throw new RangeError(
        `Cannot observe route "${route}" of listener "${listener}": it has no memory in this worker`,
      );
    }
    return new RouteTelemetry(rows, routeRows, this.#clients, records);
  }

  /** Posts the entries that wait. To be called before the worker ends. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const [reason, count] of this.#limiter.report() ?? []) {
      this.#entries.push({ kind: "suppressed", reason, count });
    }
    if (this.#entries.length === 0) return;
    const entries = this.#entries;
    this.#entries = [];
    this.post(entries);
  }

  #closed(record: ConnectionRecord): void {
    const level = describeReason(record.reason).level;
    if (!this.log.enabled(level)) return;
    const limited = isTurnedAway(record) || (!this.memory.access && level === "warn");
    if (limited ? !this.#mayLog(record.reason) : !this.memory.access) return;
    this.#add({ kind: "connection", atMs: Date.now(), record });
  }

  #rejected(listener: string, reason: Reason, client: string, error?: string): void {
    if (!this.log.enabled("info") || !this.#mayLog(reason)) return;
    const { worker } = this.memory;
    this.#add({ kind: "rejected", atMs: Date.now(), listener, worker, client, reason, ...(error && { error }) });
  }

  #mayLog(reason: Reason): boolean {
    if (this.#limiter.take(reason, performance.now())) return true;
    this.#arm();
    return false;
  }

  #add(entry: Entry): void {
    if (this.#entries.push(entry) >= BATCH_ENTRIES) this.flush();
    else this.#arm();
  }

  #arm(): void {
    this.#timer ??= setTimeout(() => this.flush(), BATCH_MS);
  }
}
