import { type Histogram, LATENCY_BUCKETS, quantile, readHistogram } from "./buckets.ts";
import type { ListenerTotals } from "./counters.ts";
import { REASONS } from "./reasons.ts";
import { BACKEND, LISTENER } from "./rows.ts";
import { isOrderly } from "./reasons.ts";

/** What happened in one second. */
export interface HistoryPoint {
  /** Milliseconds since the epoch. */
  timeMs: number;
  /** Bytes per second. */
  in: number;
  out: number;
  /** Connections per second. */
  opened: number;
  /** Present connections. */
  active: number;
  /** Seconds; `null` where there was no handshake or connect. */
  handshakeP50: number | null;
  handshakeP99: number | null;
  connectP50: number | null;
  connectP99: number | null;
  /** Connections turned away or failed, per second. */
  errors: number;
}

/** How many seconds are kept. */
const KEPT = 300;

const ERROR_CELLS = REASONS.flatMap((reason, i) => isOrderly(reason) ? [] : [LISTENER.ended + i]).concat(
  REASONS.map((_, i) => LISTENER.rejected + i),
);

interface Totals {
  nowMs: number;
  row: Float64Array;
  handshake: Histogram;
  connect: Histogram;
}

/** The last five minutes, second by second. */
export class History {
  readonly points: HistoryPoint[] = [];
  #before: Totals | null = null;

  /** Takes a reading. */
  tick(listeners: ListenerTotals[], nowMs: number): void {
    const row = new Float64Array(LISTENER.size);
    const backends = new Float64Array(BACKEND.size);
    let active = 0;
    for (const listener of listeners) {
      active += listener.active;
      for (let i = 0; i < row.length; i++) row[i] += listener.row[i];
      for (const backend of listener.backends) for (let i = 0; i < backends.length; i++) backends[i] += backend.row[i];
    }
    const now: Totals = {
      nowMs,
      row,
      handshake: readHistogram(row, LISTENER.handshakeSeconds, LATENCY_BUCKETS),
      connect: readHistogram(backends, BACKEND.connectSeconds, LATENCY_BUCKETS),
    };
    const before = this.#before;
    this.#before = now;
    if (before === null || nowMs <= before.nowMs) return;
    const perSecond = (offset: number) => (row[offset] - before.row[offset]) / (nowMs - before.nowMs) * 1000;
    this.points.push({
      timeMs: Date.now(),
      in: perSecond(LISTENER.bytesIn),
      out: perSecond(LISTENER.bytesOut),
      opened: perSecond(LISTENER.opened),
      active,
      handshakeP50: quantile(now.handshake, 0.5, before.handshake),
      handshakeP99: quantile(now.handshake, 0.99, before.handshake),
      connectP50: quantile(now.connect, 0.5, before.connect),
      connectP99: quantile(now.connect, 0.99, before.connect),
      errors: ERROR_CELLS.reduce((sum, offset) => sum + perSecond(offset), 0),
    });
    if (this.points.length > KEPT) this.points.shift();
  }
}
