/** Counts what sessions report, in the worker's own shared memory. */
import { DURATION_BUCKETS, LATENCY_BUCKETS, observe } from "./buckets.ts";
import type { ClientTable } from "./client_table.ts";
import { type Reason, REASONS } from "./reasons.ts";
import type { ConnectionRecord } from "./record.ts";
import {
  BACKEND,
  BACKEND_FAILURES,
  handshakeCell,
  LISTENER,
  type ListenerRows,
  ROUTE,
  type TargetRows,
} from "./rows.ts";
import type { Telemetry } from "./telemetry.ts";

/** Receives what is logged besides being counted. */
export interface Records {
  closed(record: ConnectionRecord): void;
  rejected(reason: Reason, client: string, error?: string): void;
}

const REASON_INDEX = new Map<string, number>(REASONS.map((reason, index) => [reason, index]));
const BACKEND_FAILURE_INDEX = new Map<string, number>(BACKEND_FAILURES.map((reason, index) => [reason, index]));
const OTHER_FAILURE = BACKEND_FAILURES.indexOf("other");

/** Adds to the numbers of one listener, without a lock, a message or an allocation. */
export class RowTelemetry implements Telemetry {
  readonly #row: Float64Array;
  readonly #backends: Map<string, Float64Array>;

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
    this.#row[handshakeCell(resumed === undefined ? "ok" : resumed ? "resumed" : "full", version)]++;
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
    this.passOn(record);
    // This comes last: who reads that no connection is active, reads everything else counted.
    this.#row[LISTENER.closed]++;
  }

  /** Passes the record on to the table of clients and to the log. */
  protected passOn(record: ConnectionRecord): void {
    this.clients?.closed(record.client);
    this.records.closed(record);
  }
}

/** Adds to the numbers of one route, and to those of its listener what a route has no number for. */
export class RouteTelemetry extends RowTelemetry {
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
    this.passOn(record);
    this.#route[ROUTE.closed]++;
  }
}
