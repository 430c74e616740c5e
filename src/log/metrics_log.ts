/** Writes the metrics as records, so that the history can be read from the log alone. */
import { type Histogram, LATENCY_BUCKETS, quantile, readHistogram } from "../metrics/buckets.ts";
import type { Fields } from "./fields.ts";
import type { ListenerTotals } from "../metrics/counters.ts";
import type { Log } from "./log.ts";
import type { ProcessStats } from "../metrics/process_stats.ts";
import { REASONS } from "../metrics/reasons.ts";
import { BACKEND, handshakeCells, LISTENER } from "../metrics/rows.ts";

interface Reading {
  atMs: number;
  row: Float64Array;
  handshake: Histogram;
  connect: Histogram;
}

/** Writes one record for each listener and one for the process. */
export class MetricsLog {
  #before = new Map<string, Reading>();
  #beforeProcess: { atMs: number; stats: ProcessStats } | null = null;

  constructor(private readonly log: Log) {}

  /** Writes totals since the start, and rates and percentiles since the last call. */
  write(listeners: ListenerTotals[], stats: ProcessStats, nowMs: number): void {
    const readings = new Map<string, Reading>();
    for (const totals of listeners) {
      const reading = read(totals, nowMs);
      readings.set(totals.name, reading);
      const fields = listenerFields(totals, reading, this.#before.get(totals.name));
      this.log.info("metrics", { event: "metrics", listener: totals.name, ...fields });
    }
    this.#before = readings;
    const before = this.#beforeProcess;
    this.#beforeProcess = { atMs: nowMs, stats };
    this.log.info("metrics", {
      event: "metrics",
      cpu_seconds_total: round(stats.cpuSeconds),
      cpu_percent: before
        ? round((stats.cpuSeconds - before.stats.cpuSeconds) / (nowMs - before.atMs) * 100_000)
        : undefined,
      resident_bytes: stats.residentBytes,
      open_fds: stats.openFds,
    });
  }
}

function read({ row, backends }: ListenerTotals, atMs: number): Reading {
  const sum = new Float64Array(BACKEND.size);
  for (const backend of backends) for (let i = 0; i < sum.length; i++) sum[i] += backend.row[i];
  return {
    atMs,
    row,
    handshake: readHistogram(row, LISTENER.handshakeSeconds, LATENCY_BUCKETS),
    connect: readHistogram(sum, BACKEND.connectSeconds, LATENCY_BUCKETS),
  };
}

function listenerFields({ row, active }: ListenerTotals, now: Reading, before: Reading | undefined): Fields {
  const total = (offset: number, count: number) => row.subarray(offset, offset + count).reduce((sum, n) => sum + n, 0);
  const perSecond = (offset: number) =>
    before ? round((row[offset] - before.row[offset]) / (now.atMs - before.atMs) * 1000) : undefined;
  const milliseconds = (seconds: number | null) => seconds === null ? undefined : round(seconds * 1000);
  return {
    interval_ms: before ? Math.round(now.atMs - before.atMs) : undefined,
    connections_total: row[LISTENER.opened],
    connections_active: active,
    connections_rejected_total: total(LISTENER.rejected, REASONS.length),
    connections_per_second: perSecond(LISTENER.opened),
    handshakes_total: handshakeCells().reduce((sum, { offset }) => sum + row[offset], 0),
    handshakes_failed_total: total(LISTENER.handshakesFailed, REASONS.length),
    bytes_in_total: row[LISTENER.bytesIn],
    bytes_out_total: row[LISTENER.bytesOut],
    bytes_in_per_second: perSecond(LISTENER.bytesIn),
    bytes_out_per_second: perSecond(LISTENER.bytesOut),
    handshake_p50_ms: milliseconds(quantile(now.handshake, 0.5, before?.handshake)),
    handshake_p99_ms: milliseconds(quantile(now.handshake, 0.99, before?.handshake)),
    connect_p50_ms: milliseconds(quantile(now.connect, 0.5, before?.connect)),
    connect_p99_ms: milliseconds(quantile(now.connect, 0.99, before?.connect)),
  };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
