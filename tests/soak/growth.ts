import assert from "node:assert/strict";

/** Parts into which a series is cut; of each, its least value counts. */
const WINDOWS = 20;
/**
 * Growth over a whole series, as a share of its median, that noise does not reach with as many workers all the time.
 */
const USUAL_TOLERANCE = 0.1;

/** How much a series grows. */
export interface Growth {
  /** Over all of it, by its slope: 0.1 is a tenth of the median. */
  whole: number;
  /** Over its last half alone. */
  lastHalf: number;
}

/**
 * Tells how much the memory of a process grows from samples that were taken at equal distances, in time or in work
 * done.
 *
 * The least value of each window counts, since peaks come and go with the load and with garbage collection, while a
 * leak lifts the least value as well. The slope is the median of the slopes of all pairs of windows (Theil and Sen),
 * which a few outliers do not move.
 * @param samples in any unit; at least two for each window
 */
export function growthOf(samples: readonly number[]): Growth {
  if (samples.length < 2 * WINDOWS) throw new RangeError(`${samples.length} samples are too few to tell growth`);
  const edge = (window: number) => Math.round(window * samples.length / WINDOWS);
  const least = Array.from(
    { length: WINDOWS },
    (_, window) => Math.min(...samples.slice(edge(window), edge(window + 1))),
  );
  const half = WINDOWS / 2;
  const level = median(least);
  return { whole: slope(least) * WINDOWS / level, lastHalf: slope(least.slice(half)) * half / level };
}

/**
 * Whether a growth is a leak: it exceeds the tolerance, and the last half goes on growing at the same rate. What grows
 * and then stays, such as caches that fill, is none.
 * @param tolerance growth over the whole series that is noise
 */
export function isLeak({ whole, lastHalf }: Growth, tolerance = USUAL_TOLERANCE): boolean {
  return whole > tolerance && lastHalf > tolerance / 2;
}

/** Fails when the memory of a process leaks, and tells the growth either way. */
export function assertNoLeak(ownKiB: readonly number[], tolerance = USUAL_TOLERANCE): void {
  const growth = growthOf(ownKiB);
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
  const told = `memory of its own: ${Math.min(...ownKiB)} to ${Math.max(...ownKiB)} KiB, growth by its slope ` +
    `${percent(growth.whole)}, in the last half ${percent(growth.lastHalf)}`;
  console.log(told);
  assert.ok(!isLeak(growth, tolerance), told);
}

/** The median growth from one value to the next, over all pairs of values. */
function slope(values: readonly number[]): number {
  return median(
    values.flatMap((later, at) => values.slice(0, at).map((earlier, from) => (later - earlier) / (at - from))),
  );
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
