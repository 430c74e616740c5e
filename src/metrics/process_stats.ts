import process from "node:process";
import { isDescriptorLeft } from "../linux/is_descriptor_left.ts";
import type { OpenFiles } from "../linux/open_files.ts";

/** The resources that the process uses. */
export interface ProcessStats {
  /** Seconds of CPU time of all threads, in user and system mode. */
  cpuSeconds: number;
  /** Absent where no descriptor is left: Bun and Node open a file to tell. */
  residentBytes?: number;
  /** Bytes of this thread's JavaScript heap; absent at the same time. */
  heapBytes?: number;
  /** Open descriptors; absent where the runtime has no permission to count them, and on Node where none is left. */
  openFds?: number;
  maxFds?: number;
}

/**
 * Reads what the process uses now. It must not fail when descriptors run out, as timers and the admin endpoint call it.
 */
export function readProcessStats(openFiles: (() => OpenFiles) | null): ProcessStats {
  const { user, system } = process.cpuUsage();
  const memory = unlessExhausted(() => process.memoryUsage());
  const files = openFiles === null ? null : unlessExhausted(openFiles);
  return {
    cpuSeconds: (user + system) / 1e6,
    ...(memory ? { residentBytes: memory.rss, heapBytes: memory.heapUsed } : {}),
    ...(files ? { openFds: files.open, maxFds: files.limit } : {}),
  };
}

/** Returns the result, or `null` where no descriptor is left to find it out. */
function unlessExhausted<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (isDescriptorLeft()) throw error;
    return null;
  }
}
