import type { Spawned } from "./spawned.ts";

/** Resolves after the given time. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Tries until it works: what it throws means "not yet".
 *
 * @throws {Error} If the process ends before, or the time is up; with the last lines it printed.
 */
export async function waitFor(
  process: Spawned,
  attempt: () => Promise<boolean>,
  { pauseMs = 10, timeoutMs = 15_000 } = {},
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  let reason = "no answer";
  while (Date.now() < deadline) {
    try {
      if (await attempt()) return;
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
    if (!process.running) break;
    await sleep(pauseMs);
  }
  throw new Error(`Cannot go on with ${process.command}: ${reason}\n${await process.lastWords()}`);
}
