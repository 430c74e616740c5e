import { readdirSync } from "node:fs";
import process from "node:process";

/** What the process uses. */
export interface ProcessStats {
  /** Seconds of CPU, user and system, all threads. */
  cpuSeconds: number;
  residentBytes: number;
  /** JavaScript heap of this thread alone. */
  heapBytes: number;
  /** Absent where the runtime may not look. */
  openFds?: number;
}

/** Reads it now. */
export function readProcessStats(): ProcessStats {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  return { cpuSeconds: (user + system) / 1e6, residentBytes: rss, heapBytes: heapUsed, openFds: countFds() };
}

/** Deno gives /proc only to programs that may do everything. */
function countFds(): number | undefined {
  try {
    return readdirSync("/proc/self/fd").length;
  } catch {
    return undefined;
  }
}
