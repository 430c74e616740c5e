/** The weights' sum, so to say their resolution. */
const RESOLUTION = 1000;

/**
 * How often each of several workers should be chosen, so that after as many connections as came of late all have the same
 * number: at random where many come, which is even by itself, and to whoever has fewest where few come and stay.
 *
 * @param counts connections that each has now
 * @param arrivals connections since the weights were last set
 * @returns integers of at least 1
 */
export function spreadWeights(counts: readonly number[], arrivals: number): number[] {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const share = Math.max(1, arrivals / counts.length);
  const wanted = counts.map((count) => Math.max(0, share + mean - count));
  const total = wanted.reduce((sum, each) => sum + each, 0);
  return wanted.map((each) => Math.max(1, Math.round(each / total * RESOLUTION)));
}
