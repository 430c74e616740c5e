import type { Program } from "./program.ts";
import { pause } from "./wait.ts";

/** Threads that a runtime keeps for blocking work end when they had nothing to do for 10 s. */
const SETTLE_MS = 14_000;

/** What a process holds once it has come to rest. Threads come and go even then: the fewest count. */
export async function settledStatus(program: Program): Promise<{ rssKiB: number; threads: number; fds: number }> {
  const read = () => {
    const status = Deno.readTextFileSync(`/proc/${program.pid}/status`);
    return (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]);
  };
  let threads = Infinity;
  for (const deadline = performance.now() + SETTLE_MS; performance.now() < deadline;) {
    threads = Math.min(threads, read()("Threads"));
    await pause(250);
  }
  return { rssKiB: read()("VmRSS"), threads, fds: program.fds() };
}
