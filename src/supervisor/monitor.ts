/**
 * The main thread's side of monitoring: gives workers memory for numbers, receives their records, and knows all sums.
 */
import { setInterval } from "node:timers";
import type { Config, LogConfig } from "../config/config.ts";
import { ClientRates } from "../metrics/client_rates.ts";
import { clientTableSize } from "../metrics/client_table.ts";
import { Clients } from "../metrics/clients.ts";
import { EntryLog } from "../log/entry_log.ts";
import { History } from "../metrics/history.ts";
import { Counters } from "../metrics/counters.ts";
import type { RootLog } from "../log/log.ts";
import { MetricsLog } from "../log/metrics_log.ts";
import type { Entry, MonitorMemory } from "../log/worker_monitor.ts";
import { loadOpenFiles, type OpenFiles } from "../linux/open_files.ts";
import { readProcessStats } from "../metrics/process_stats.ts";
import { type ListenerShape, rowsSize } from "../metrics/rows.ts";
import type {
  BackendState,
  CertificateExpiry,
  MetricSources,
  Orders,
  RedirectCounts,
  RevocationListState,
} from "../metrics/sources.ts";

/** Options of {@linkcode Monitor}. */
interface MonitorOptions {
  log: RootLog;
  version: string;
  /** Such as `deno 2.9.6`. */
  runtime: string;
  /** How many clients each table tells apart. Default: 1024. */
  clientCapacity?: number;
}

const TICK_MS = 1_000;
const REPORT_TICKS = 10;

/** Everything that is known about the traffic. */
export class Monitor implements MetricSources {
  readonly startedMs = Date.now();
  readonly counters = new Counters();
  readonly clients: Clients;
  readonly rates = new ClientRates();
  readonly history = new History();
  readonly entries: EntryLog;
  readonly reloads = { ok: 0, failed: 0 };
  workerRestarts = 0;
  certificates: CertificateExpiry[] = [];
  revocationLists: RevocationListState[] = [];
  acme: Orders | null = null;
  readonly redirect: RedirectCounts = { active: 0, rejected: 0, answers: new Map() };
  /** Knows which backends are up; none before something serves. */
  backends: { readonly states: readonly BackendState[] } = { states: [] };
  /** Engines of the listeners, by name. */
  engines = new Map<string, string>();
  /** Counts descriptors; `null` where the runtime has no permission to. */
  openFiles: (() => OpenFiles) | null = null;
  readonly #clientCapacity: number;
  readonly #metricsLog: MetricsLog;
  #allocations = 0;
  #watched = false;
  #ticks = 0;
  #metricsIntervalMs = 0;
  #timer: ReturnType<typeof setInterval> | null = null;
  #metricsTimer: ReturnType<typeof setInterval> | null = null;

  constructor(readonly options: MonitorOptions) {
    this.#clientCapacity = options.clientCapacity ?? 1024;
    this.clients = new Clients(this.#clientCapacity);
    this.entries = new EntryLog(options.log);
    this.#metricsLog = new MetricsLog(options.log);
  }

  /** Starts the timers. */
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

  /**
   * Follows a configuration. Clients are told apart, and rates and history kept, only where there is an admin endpoint.
   */
  configure({ log, admin }: Pick<Config, "log" | "admin">): void {
    this.#watched = admin.listen !== null;
    if (this.#metricsIntervalMs === log.metricsIntervalMs) return;
    this.#metricsIntervalMs = log.metricsIntervalMs;
    this.#restartMetricsLog();
  }

  /**
   * Allocates the memory of a worker's generation.
   * @param generation the number of the generation, by which connections older than a reload are told apart
   */
  allocate(worker: number, listeners: ListenerShape[], log: LogConfig, generation = 0): MonitorMemory {
    const id = this.#allocations++;
    const rows = new SharedArrayBuffer(rowsSize(listeners));
    this.counters.add(id, worker, rows, listeners, generation);
    let clients: MonitorMemory["clients"] = null;
    if (this.#watched) {
      const capacity = this.#clientCapacity;
      clients = { buffer: new SharedArrayBuffer(clientTableSize(capacity)), capacity };
      this.clients.add(id, clients.buffer);
    }
    return { id, worker, listeners, rows, clients, access: log.access, level: log.level };
  }

  /** Writes a batch of a worker's entries. */
  receive(entries: Entry[]): void {
    for (const entry of entries) this.entries.write(entry);
  }

  /** Keeps the counts of a worker's generation that has ended, and releases its memory. */
  release(id: number): void {
    this.counters.remove(id);
    this.clients.remove(id);
  }

  /** Takes the readings of one second. */
  tick(nowMs: number): void {
    if (this.#ticks++ % REPORT_TICKS === REPORT_TICKS - 1) this.entries.report();
    if (!this.#watched) return;
    this.rates.tick(this.clients.snapshot().clients, nowMs);
    this.history.tick(this.counters.totals(), nowMs);
  }

  #restartMetricsLog(): void {
    if (this.#metricsTimer) clearInterval(this.#metricsTimer);
    this.#metricsTimer = null;
    if (this.#timer === null || this.#metricsIntervalMs === 0) return;
    const write = () => {
      this.#metricsLog.write(this.counters.totals(), readProcessStats(this.openFiles), performance.now());
    };
    this.#metricsTimer = setInterval(write, this.#metricsIntervalMs);
    this.#metricsTimer.unref();
  }
}
