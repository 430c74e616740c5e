/** What a load generator saw in one run. Latencies in µs. */
export interface LoadResult {
  requests: number;
  /** Of the whole run. */
  durationMs: number;
  /** Received, headers included. */
  bytes: number;
  meanUs: number;
  stdevUs: number;
  p50Us: number;
  p90Us: number;
  p99Us: number;
  /** Connections, reads and writes that failed, and answers that were late or not 2xx/3xx. */
  errors: number;
}

const KEYS: (keyof LoadResult)[] = [
  "requests",
  "durationMs",
  "bytes",
  "meanUs",
  "stdevUs",
  "p50Us",
  "p90Us",
  "p99Us",
  "errors",
];

/**
 * Finds the line `RESULT {json}` that both generators (`wrk` with wrk.lua, and the built-in one) print at their end.
 *
 * @throws {SyntaxError} If there is no such line or a figure is missing: what the generator said is quoted.
 */
export function parseLoadResult(output: string): LoadResult {
  const line = output.split("\n").find((line) => line.startsWith("RESULT "));
  if (!line) throw new SyntaxError(`Cannot read the load generator's result: ${JSON.stringify(output.slice(-500))}`);
  const parsed = JSON.parse(line.slice("RESULT ".length)) as Partial<LoadResult>;
  for (const key of KEYS) {
    if (typeof parsed[key] !== "number") throw new SyntaxError(`Cannot read the load generator's result: no "${key}"`);
  }
  return parsed as LoadResult;
}
