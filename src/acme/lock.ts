import { type FileHandle, open, readFile, rename, stat, unlink } from "node:fs/promises";
import process from "node:process";
import { createExclusively, temporaryName } from "./atomic_file.ts";
import type { Clock } from "./clock.ts";

/**
 * How often a lock is refreshed, and after how long without that its owner counts as dead. The age alone decides, on
 * one machine too: whether a process lives cannot be seen with the permissions that Deno runs with, and would be wrong
 * between containers, whose processes do not see each other.
 */
const REFRESH_MS = 5_000;
const ABANDONED_MS = 30_000;
/**
 * How long a process waits after it has taken an abandoned lock. Where two processes take it at once, the later one has
 * it, and this is longer than the time between them.
 */
const SETTLE_MS = 1_000;

export interface LockTimes {
  /** @default {5_000} */
  refreshMs?: number;
  /** @default {30_000} */
  abandonedMs?: number;
  /** @default {1_000} */
  settleMs?: number;
}

/** A lock that this process holds. */
export interface HeldLock {
  /**
   * Aborts when another process has taken the lock, which may happen when this process has not refreshed it in time.
   */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Takes the lock file at `path`, which names its owner, and whose modification time is its age. Ages are compared with
 * that of a file made now in the same folder: the clocks of several machines on one network file system differ.
 * @returns `null` where another process has it
 * @throws {Error} of the file system
 */
export async function takeLock(path: string, clock: Clock, times: LockTimes = {}): Promise<HeldLock | null> {
  const { refreshMs = REFRESH_MS, abandonedMs = ABANDONED_MS, settleMs = SETTLE_MS } = times;
  const owner = `${crypto.randomUUID()} process ${process.pid}\n`;
  const own = temporaryName(path);
  const file = await open(own, "wx", 0o600);
  let kept = false;
  try {
    await file.writeFile(owner);
    if (!await createExclusively(own, path)) {
      const [{ mtimeMs: now }, held] = await Promise.all([stat(own), stat(path).catch(() => null)]);
      // The lock was released in this moment. The next attempt takes it.
      if (held === null || now - held.mtimeMs < abandonedMs) return null;
      await rename(own, path);
      await clock.sleep(settleMs);
      if (await ownerOf(path) !== owner) return null;
    }
    kept = true;
    return hold({ path, owner, file, refreshMs });
  } finally {
    if (!kept) await file.close();
    await unlink(own).catch(() => {});
  }
}

/** @param held its `file` is the lock's own: a lock that another has put into its place is not refreshed by it */
function hold(held: { path: string; owner: string; file: FileHandle; refreshMs: number }): HeldLock {
  const { path, owner, file, refreshMs } = held;
  const lost = new AbortController();
  const bytes = new TextEncoder().encode(owner);
  const refresh = async () => {
    // The file is written instead of touched, because then the clock of the file system sets its time.
    await file.write(bytes, 0, bytes.length, 0);
    if (await ownerOf(path) !== owner) throw new Error("Another process has taken the lock");
  };
  const timer = setInterval(() => {
    refresh().catch((error) => {
      clearInterval(timer);
      lost.abort(error);
    });
  }, refreshMs);
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      await file.close();
      if (await ownerOf(path) === owner) await unlink(path);
    },
  };
}

async function ownerOf(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
