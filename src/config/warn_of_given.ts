import type { IsGiven } from "./is_given.ts";
import type { Path } from "./positions.ts";
import type { Report } from "./report.ts";

/**
 * Warns of each key of a table that was given, and without an error of its own.
 * @param path of the table
 */
export function warnOfGiven(
  keys: readonly string[],
  path: Path,
  message: string,
  isGiven: IsGiven,
  report: Report,
): void {
  for (const key of keys) {
    const place = [...path, key];
    if (isGiven(place) && !report.hasFailed(place)) report.warning(place, message);
  }
}
