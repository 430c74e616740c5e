/**
 * Histograms in shared memory, which one thread adds to and another reads. Durations are in seconds, as Prometheus has
 * them.
 */

/** Upper bounds, in seconds, from `from` to `to` with the given steps in each decade. */
function decades(from: number, to: number, steps: number[]): readonly number[] {
  const bounds: number[] = [];
  for (let exponent = Math.round(Math.log10(from)); exponent <= Math.round(Math.log10(to)); exponent++) {
    // The text "3e-4" is converted exactly, while 3 * 10 ** -4 is not 0.0003 in floating point.
    for (const step of steps) bounds.push(Number(`${step}e${exponent}`));
  }
  return bounds.filter((bound) => bound >= from && bound <= to);
}

/** Buckets of handshakes and backend connects. They are fine, because percentiles are read from them. */
export const LATENCY_BUCKETS = decades(1e-5, 10, [1, 2, 3, 5, 7]);
/** Buckets of whole connections, up to a day. */
export const DURATION_BUCKETS = decades(1e-3, 1e5, [1, 3]);

/** How many numbers a histogram takes: one for each bucket, one for what is above all of them, and the sum. */
export function histogramSize(bounds: readonly number[]): number {
  return bounds.length + 2;
}

/** Adds an observation to the histogram that starts at `offset`. */
export function observe(row: Float64Array, offset: number, bounds: readonly number[], seconds: number): void {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (seconds <= bounds[middle]) high = middle;
    else low = middle + 1;
  }
  row[offset + low]++;
  row[offset + bounds.length + 1] += seconds;
}

/**
 * A histogram as read. `counts[i]` observations are up to `bounds[i]` and above the bound before; the last, above all.
 */
export interface Histogram {
  bounds: readonly number[];
  counts: Float64Array;
  /** The sum of all observations, in seconds. */
  sum: number;
}

/** Reads the histogram that starts at `offset`. */
export function readHistogram(row: Float64Array, offset: number, bounds: readonly number[]): Histogram {
  const end = offset + bounds.length + 1;
  return { bounds, counts: row.slice(offset, end), sum: row[end] };
}

/**
 * The value below which a share of the observations lies, in seconds, interpolated within its bucket.
 * @param before an earlier reading: only the observations since then count
 * @returns `null` without observations
 */
export function quantile(histogram: Histogram, share: number, before?: Histogram): number | null {
  const { bounds } = histogram;
  const count = (i: number) => histogram.counts[i] - (before?.counts[i] ?? 0);
  let total = 0;
  for (let i = 0; i <= bounds.length; i++) total += count(i);
  if (total <= 0) return null;
  const rank = share * total;
  let seen = 0;
  for (let i = 0; i < bounds.length; i++) {
    const here = count(i);
    if (here > 0 && seen + here >= rank) {
      const lower = i === 0 ? 0 : bounds[i - 1];
      return lower + (bounds[i] - lower) * (rank - seen) / here;
    }
    seen += here;
  }
  return bounds[bounds.length - 1];
}
