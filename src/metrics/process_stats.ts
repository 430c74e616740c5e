import process from "node:process";
import type { OpenFiles } from "../linux/open_files.ts";

/** What the process uses. */
export interface ProcessStats {
  /** Seconds of CPU, user and system, all threads. */
  cpuSeconds: number;
  residentBytes: number;
  /** JavaScript heap of this thread alone. */
  heapBytes: number;
  /** Descriptors; absent where the runtime may not look. */
  openFds?: number;
  maxFds?: number;
}

/** Reads it now. */
export function readProcessStats(openFiles: (() => OpenFiles) | null): ProcessStats {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed } = process.memoryUsage();
  const files = openFiles?.();
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: rss,
    heapBytes: heapUsed,
    ...(files ? { openFds: files.open, maxFds: files.limit } : {}),
  };
}
