/** The main thread's side of the observation: gives workers their memory, takes their records, knows every number. */
import { setInterval } from "node:timers";
import type { Config, LogConfig } from "../config/config.ts";
import { ClientRates } from "./client_rates.ts";
import { clientTableSize } from "./client_table.ts";
import { Clients } from "./clients.ts";
import { EntryLog } from "./entry_log.ts";
import { History } from "./history.ts";
import { Ledger } from "./ledger.ts";
import type { RootLog } from "./log.ts";
import { MetricsLog } from "./metrics_log.ts";
import type { Entry, ObserverGrant } from "./observer.ts";
import { loadOpenFiles, type OpenFiles } from "../runtime/open_files.ts";
import { readProcessStats } from "./process_stats.ts";
import { type ListenerShape, rowsSize } from "./rows.ts";

/** A certificate in use, as far as its expiry goes. */
export interface CertificateExpiry {
  listener: string;
  /** Its first name. */
  name: string;
  /** Milliseconds since the epoch. */
  notAfterMs: number;
}

/** Options of {@linkcode Observatory}. */
export interface ObservatoryOptions {
  log: RootLog;
  version: string;
  /** Such as `deno 2.9.6`. */
  runtime: string;
  /** Clients that each table tells apart. Default 1024. */
  clientCapacity?: number;
}

const TICK_MS = 1_000;
const REPORT_TICKS = 10;

/** Everything that is known about the traffic, in one place. */
export class Observatory {
  readonly startedMs = Date.now();
  readonly ledger = new Ledger();
  readonly clients: Clients;
  readonly rates = new ClientRates();
  readonly history = new History();
  readonly entries: EntryLog;
  readonly reloads = { ok: 0, failed: 0 };
  workerRestarts = 0;
  certificates: CertificateExpiry[] = [];
  /** Engines of the listeners, by name. */
  engines = new Map<string, string>();
  /** Counts descriptors, where the runtime may look. */
  openFiles: (() => OpenFiles) | null = null;
  readonly #clientCapacity: number;
  readonly #metricsLog: MetricsLog;
  #grants = 0;
  #watched = false;
  #ticks = 0;
  #metricsIntervalMs = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #metricsTimer: ReturnType<typeof setInterval> | null = null;

  constructor(readonly options: ObservatoryOptions) {
    this.#clientCapacity = options.clientCapacity ?? 1024;
    this.clients = new Clients(this.#clientCapacity);
    this.entries = new EntryLog(options.log);
    this.#metricsLog = new MetricsLog(options.log);
  }

  /** Begins to follow the time. */
  start(): void {
    if (this.#timer) return;
    this.#timer = setInterval(() => this.tick(performance.now()), TICK_MS);
    this.#timer.unref();
    this.#restartMetricsLog();
    loadOpenFiles().then((openFiles) => this.openFiles = openFiles, (error) => {
      this.options.log.debug("descriptors cannot be counted", { event: "open-files", error });
    });
  }

  stop(): void {
    if (this.#timer) clearInterval(this.#timer);
    this.#timer = null;
    this.#restartMetricsLog();
    this.entries.report();
  }

  /** Follows a configuration: only where there is an admin endpoint are clients told apart, rates and history kept. */
  configure({ log, admin }: Pick<Config, "log" | "admin">): void {
    this.#watched = admin.listen !== null;
    if (this.#metricsIntervalMs === log.metricsIntervalMs) return;
    this.#metricsIntervalMs = log.metricsIntervalMs;
    this.#restartMetricsLog();
  }

  /** Memory for a new worker. */
  grant(worker: number, listeners: ListenerShape[], log: LogConfig): ObserverGrant {
    const id = this.#grants++;
    const rows = new SharedArrayBuffer(rowsSize(listeners));
    this.ledger.add(id, worker, rows, listeners);
    let clients: ObserverGrant["clients"] = null;
    if (this.#watched) {
      const capacity = this.#clientCapacity;
      clients = { buffer: new SharedArrayBuffer(clientTableSize(capacity)), capacity };
      this.clients.add(id, clients.buffer);
    }
    return { id, worker, listeners, rows, clients, access: log.access, level: log.level };
  }

  /** Takes a worker's batch. */
  receive(entries: Entry[]): void {
    for (const entry of entries) this.entries.write(entry);
  }

  /** A worker has ended, in whatever way. */
  release(grant: number): void {
    this.ledger.remove(grant);
    this.clients.remove(grant);
  }

  /** What happens each second. */
  tick(nowMs: number): void {
    if (this.#ticks++ % REPORT_TICKS === REPORT_TICKS - 1) this.entries.report();
    if (!this.#watched) return;
    this.rates.tick(this.clients.snapshot().clients, nowMs);
    this.history.tick(this.ledger.totals(), nowMs);
  }

  #restartMetricsLog(): void {
    if (this.#metricsTimer) clearInterval(this.#metricsTimer);
    this.#metricsTimer = null;
    if (this.#timer === null || this.#metricsIntervalMs === 0) return;
    const write = () => {
      this.#metricsLog.write(this.ledger.totals(), readProcessStats(this.openFiles), performance.now());
    };
    this.#metricsTimer = setInterval(write, this.#metricsIntervalMs);
    this.#metricsTimer.unref();
  }
}
