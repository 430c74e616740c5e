/** What the weights add up to, which is how finely they can divide. */
const RESOLUTION = 1000;

/**
 * Computes how often each worker should be chosen, so that all have equally many connections after as many more as came
 * lately. Where many come, all workers are chosen about equally often. Where few come and stay, those with the fewest
 * are.
 *
 * @param counts how many connections each worker has now
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
