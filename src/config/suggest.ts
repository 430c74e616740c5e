/** Longest word that is compared: the time to compare two words grows with the product of their lengths. */
const MAX_LENGTH = 40;

/**
 * Finds the word that was probably meant: `min_version`, `minVersion` and `min-verison` are `min-version`.
 *
 * @param word as found
 * @param candidates what is allowed
 * @returns the nearest candidate, or `null` where none is near
 */
export function nearest(word: string, candidates: Iterable<string>): string | null {
  if (word.length > MAX_LENGTH) return null;
  const wanted = plain(word);
  let best: string | null = null;
  let bestDistance = Infinity;
  for (const candidate of candidates) {
    const other = plain(candidate);
    const longest = Math.max(wanted.length, other.length);
    const allowed = Math.min(Math.max(1, Math.floor(longest / 3)), longest - 1, bestDistance - 1);
    if (Math.abs(wanted.length - other.length) > allowed) continue;
    const distance = editDistance(wanted, other);
    if (distance <= allowed) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Returns `, did you mean "…"?` or "", to follow a message about an unknown word. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = nearest(word, candidates);
  return found === null ? "" : `, did you mean "${found}"?`;
}

/**
 * Counts the insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment).
 */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + cost);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length];
}

/** Writes a word as keys are written: `private_key` and `privateKey` are `private-key`. */
export function plain(word: string): string {
  return word.replace(/([a-z])([A-Z])/g, "$1-$2").replaceAll("_", "-").toLowerCase();
}
