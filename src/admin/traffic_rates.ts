import type { ListenerStats, Stats, TrafficStats } from "./stats.ts";

/** Rates per second between two readings; `null` where there is no earlier reading. */
export interface TrafficRates {
  in: number | null;
  out: number | null;
  opened: number | null;
}

/** Computes the rates between two readings. */
export function trafficRates(now: TrafficStats, before: TrafficStats | undefined, seconds: number): TrafficRates {
  if (!before || seconds <= 0) return { in: null, out: null, opened: null };
  return {
    in: (now.bytesIn - before.bytesIn) / seconds,
    out: (now.bytesOut - before.bytesOut) / seconds,
    opened: (now.opened - before.opened) / seconds,
  };
}

/** Sums each worker's traffic over all listeners, in the order of the workers. */
export function workerTraffic(listeners: ListenerStats[]): Map<number, TrafficStats> {
  const totals = new Map<number, TrafficStats>();
  for (const { worker, active, opened, bytesIn, bytesOut } of listeners.flatMap(({ workers }) => workers)) {
    const sum = totals.get(worker) ?? { opened: 0, active: 0, bytesIn: 0, bytesOut: 0 };
    sum.active += active;
    sum.opened += opened;
    sum.bytesIn += bytesIn;
    sum.bytesOut += bytesOut;
    totals.set(worker, sum);
  }
  return new Map([...totals].sort(([a], [b]) => a - b));
}

/** Returns the seconds between two answers of the same process; 0 where they cannot be compared. */
export function secondsBetween(now: Stats, before: Stats | null): number {
  return before && before.startedMs === now.startedMs ? (now.timeMs - before.timeMs) / 1000 : 0;
}

/** Sums counts that have names. */
export function sumOf(counts: Record<string, number>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}
