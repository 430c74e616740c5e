import type { Program } from "./program.ts";
import { pause } from "./wait.ts";

/** Threads that a runtime keeps for blocking work end when they had nothing to do for 10 s. */
const SETTLE_MS = 14_000;
/** How long a busy machine may take until a process holds as little as before. What has leaked never goes. */
const RETURN_MS = 60_000;

/** What a process holds. */
export interface Holdings {
  threads: number;
  /** Open descriptors. */
  fds: number;
}

/** What a process holds once it has come to rest. Threads and descriptors come and go even then: the fewest count. */
export async function settledHoldings(program: Program): Promise<Holdings> {
  const fewest = holdings(program);
  for (const deadline = performance.now() + SETTLE_MS; performance.now() < deadline;) {
    await pause(250);
    const { threads, fds } = holdings(program);
    fewest.threads = Math.min(fewest.threads, threads);
    fewest.fds = Math.min(fewest.fds, fds);
  }
  return fewest;
}

/**
 * Waits until a process at rest holds no more than before. Fewer is no leak.
 * @returns what it holds then
 * @throws Error when it keeps more: something has leaked
 */
export async function holdsNoMoreThan(before: Holdings, program: Program): Promise<Holdings> {
  const fewest = holdings(program);
  for (const deadline = performance.now() + RETURN_MS; performance.now() < deadline;) {
    const { threads, fds } = holdings(program);
    fewest.threads = Math.min(fewest.threads, threads);
    fewest.fds = Math.min(fewest.fds, fds);
    if (fewest.threads <= before.threads && fewest.fds <= before.fds) return fewest;
    await pause(250);
  }
  throw new Error(`Leaked: ${JSON.stringify(before)} became ${JSON.stringify(fewest)} at rest`);
}

function holdings(program: Program): Holdings {
  const status = Deno.readTextFileSync(`/proc/${program.pid}/status`);
  return { threads: Number(/Threads:\s+(\d+)/.exec(status)![1]), fds: program.fds() };
}
