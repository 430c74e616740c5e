import { pause, until, untilStill } from "../wait.ts";
import type { Program } from "./program.ts";
import type { Proxy } from "./proxy.ts";

/** Threads that a runtime keeps for blocking work end when they had nothing to do for 10 s. */
const SETTLE_MS = 14_000;
/** How long a busy machine may take until a process holds as little as before. What has leaked never goes. */
const RETURN_MS = 100_000;

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
 * Descriptors that are no leak. Deno keeps an epoll and an eventfd of one thread that has ended, until it makes the
 * next one. Whether there is such a thread depends on the order in which threads ended and were made.
 */
export function keptOfEndedThread(runtime: string): number {
  return runtime === "deno" ? 2 : 0;
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
  const told = `${JSON.stringify(before)} became ${JSON.stringify(fewest)} at rest`;
  throw new Error(`Leaked: ${told}; open are ${JSON.stringify(openKinds(program))}`);
}

/**
 * Waits until a process has at most so many open descriptors.
 * @throws Error that says what is open, when it keeps more
 */
export async function untilDescriptors(program: Program, most: number, timeoutMs?: number): Promise<void> {
  try {
    await until(() => program.fds() <= most, `at most ${most} descriptors are open`, timeoutMs);
  } catch (error) {
    throw new Error(`${(error as Error).message}; open are ${JSON.stringify(openKinds(program))}`);
  }
}

/**
 * Connects clients that stay silent until a proxy has so many descriptors left. Its handshakes must have more time than
 * this takes, or the first of them are cut before the last have come.
 * @param limit how many it may have at all
 */
export async function leaveDescriptors(proxy: Proxy, limit: number, left: number): Promise<Deno.TcpConn[]> {
  const clients: Deno.TcpConn[] = [];
  for (;;) {
    await untilStill(() => proxy.program.fds(), "all connections are accepted");
    const missing = limit - left - proxy.program.fds();
    if (missing <= 0) return clients;
    for (let count = 0; count < missing; count++) clients.push(await proxy.connectTcp());
  }
}

/** The inodes of a process's sockets: a socket that is made anew has another. */
export function socketInodes({ pid }: Program): string[] {
  return descriptorTargets(pid).filter((target) => target.startsWith("socket:")).sort();
}

/**
 * The caches of `deno run`, which it opens when a module is loaded for the first time, and keeps: no compiled program
 * has them.
 */
const RUNTIME_CACHE = /\/[a-z0-9]+(_[a-z0-9]+)*_cache_v\d+(-wal|-shm|-journal)?$/;

/** How many descriptors there are of each kind, without those of the runtime's own caches. */
function openKinds({ pid }: Program): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const target of descriptorTargets(pid)) {
    const kind = target.replace(/:\[\d+\]$/, "");
    if (!RUNTIME_CACHE.test(kind)) kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

/** What the descriptors of a process are, as /proc names it: `socket:[INODE]` for a socket. */
export function descriptorTargets(pid: number): string[] {
  return [...Deno.readDirSync(`/proc/${pid}/fd`)].map(({ name }) => {
    try {
      return Deno.readLinkSync(`/proc/${pid}/fd/${name}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return "closed meanwhile";
    }
  });
}

function holdings(program: Program): Holdings {
  const status = Deno.readTextFileSync(`/proc/${program.pid}/status`);
  const fds = Object.values(openKinds(program)).reduce((sum, count) => sum + count, 0);
  return { threads: Number(/Threads:\s+(\d+)/.exec(status)![1]), fds };
}
