/**
 * The worker's side of monitoring: numbers go to the worker's own shared memory, records in batches to the main thread.
 */
import type { LogLevel } from "../config/config.ts";
import { DURATION_BUCKETS, LATENCY_BUCKETS, observe } from "../metrics/buckets.ts";
import { ClientTable } from "../metrics/client_table.ts";
import { FailureLimiter } from "./failure_limiter.ts";
import { entriesOf, type Fields } from "./fields.ts";
import { isLogged } from "./levels.ts";
import type { Log } from "./log.ts";
import { type ConnectionRecord, isTurnedAway } from "../metrics/record.ts";
import { describeReason, type Reason, REASONS } from "../metrics/reasons.ts";
import {
  BACKEND,
  BACKEND_FAILURES,
  LISTENER,
  type ListenerRows,
  type ListenerShape,
  mapRows,
  ROUTE,
  type TargetRows,
  TLS_VERSIONS,
} from "../metrics/rows.ts";
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

/** Receives what {@linkcode RowTelemetry} cannot put into numbers. */
interface Records {
  closed(record: ConnectionRecord): void;
  rejected(reason: Reason, client: string, error?: string): void;
}

const REASON_INDEX = new Map<string, number>(REASONS.map((reason, index) => [reason, index]));
const BACKEND_FAILURE_INDEX = new Map<string, number>(BACKEND_FAILURES.map((reason, index) => [reason, index]));
const OTHER_FAILURE = BACKEND_FAILURES.indexOf("other");

/** Adds to the numbers of one listener, without a lock, a message or an allocation. */
class RowTelemetry implements Telemetry {
  readonly #row: Float64Array;
  readonly #backends: Map<string, Float64Array>;

  /** @param backends which it connects to */
  constructor(
    { row, backends }: TargetRows,
    protected readonly clients: ClientTable | null,
    private readonly records: Records,
  ) {
    this.#row = row;
    this.#backends = new Map(backends.map(({ name, row }) => [name, row]));
  }

  opened(client: string): void {
    this.#row[LISTENER.opened]++;
    this.clients?.opened(client);
  }

  routed(): void {}

  paused(): void {
    this.#row[LISTENER.acceptPauses]++;
  }

  rejected(reason: Reason, client: string, error?: string): void {
    this.#row[LISTENER.rejected + REASON_INDEX.get(reason)!]++;
    this.records.rejected(reason, client, error);
  }

  handshakeDone(version: string | undefined, resumed: boolean | undefined, durationMs: number): void {
    const result = resumed === undefined ? 2 : resumed ? 1 : 0;
    const known = TLS_VERSIONS.indexOf(version as typeof TLS_VERSIONS[number]);
    const column = known < 0 ? TLS_VERSIONS.length - 1 : known;
    this.#row[LISTENER.handshakes + result * TLS_VERSIONS.length + column]++;
    observe(this.#row, LISTENER.handshakeSeconds, LATENCY_BUCKETS, durationMs / 1000);
  }

  handshakeFailed(reason: Reason): void {
    this.#row[LISTENER.handshakesFailed + REASON_INDEX.get(reason)!]++;
  }

  backendConnected(backend: string, durationMs: number): void {
    const row = this.#backends.get(backend);
    if (row) observe(row, BACKEND.connectSeconds, LATENCY_BUCKETS, durationMs / 1000);
  }

  backendFailed(backend: string, reason: string): void {
    const row = this.#backends.get(backend);
    if (row) row[BACKEND.failures + (BACKEND_FAILURE_INDEX.get(reason) ?? OTHER_FAILURE)]++;
  }

  bytesIn(client: string, count: number): void {
    this.#row[LISTENER.bytesIn] += count;
    this.clients?.bytesIn(client, count);
  }

  bytesOut(client: string, count: number): void {
    this.#row[LISTENER.bytesOut] += count;
    this.clients?.bytesOut(client, count);
  }

  closed(record: ConnectionRecord): void {
    this.#row[LISTENER.ended + REASON_INDEX.get(record.reason)!]++;
    observe(this.#row, LISTENER.connectionSeconds, DURATION_BUCKETS, record.duration_ms / 1000);
    this.told(record);
    // Last: whoever sees nobody active sees everything counted.
    this.#row[LISTENER.closed]++;
  }

  /** What is not counted, but told. */
  protected told(record: ConnectionRecord): void {
    this.clients?.closed(record.client);
    this.records.closed(record);
  }
}

/** Adds to the numbers of one route what those have, and the rest to those of its listener. */
class RouteTelemetry extends RowTelemetry {
  readonly #listener: Float64Array;
  readonly #route: Float64Array;

  constructor(listener: ListenerRows, route: TargetRows, clients: ClientTable | null, records: Records) {
    super({ ...listener, backends: route.backends }, clients, records);
    this.#listener = listener.row;
    this.#route = route.row;
  }

  override routed(): void {
    this.#route[ROUTE.opened]++;
  }

  override bytesIn(client: string, count: number): void {
    this.#route[ROUTE.bytesIn] += count;
    this.clients?.bytesIn(client, count);
  }

  override bytesOut(client: string, count: number): void {
    this.#route[ROUTE.bytesOut] += count;
    this.clients?.bytesOut(client, count);
  }

  override closed(record: ConnectionRecord): void {
    this.#route[ROUTE.ended + REASON_INDEX.get(record.reason)!]++;
    observe(this.#listener, LISTENER.connectionSeconds, DURATION_BUCKETS, record.duration_ms / 1000);
    this.told(record);
    this.#route[ROUTE.closed]++;
  }
}
