/** Parses lines of `/proc/PID/stat` into pid → parent pid. The name in parentheses may itself hold parentheses. */
export function parseParents(stat: string): Map<number, number> {
  const parents = new Map<number, number>();
  for (const match of stat.matchAll(/^(\d+) \(.*\) \S (\d+) /gm)) parents.set(Number(match[1]), Number(match[2]));
  return parents;
}

/** Parses one field in kB of a `/proc/PID/status`; the sum when there are several. */
export function parseStatusKb(status: string, field: string): number {
  let sum = 0;
  for (const match of status.matchAll(new RegExp(`^${field}:\\s+(\\d+) kB`, "gm"))) sum += Number(match[1]);
  return sum;
}
