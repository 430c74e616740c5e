import process from "node:process";
import type { OpenFiles } from "../linux/open_files.ts";

/** The resources that the process uses. */
export interface ProcessStats {
  /** Seconds of CPU time of all threads, in user and system mode. */
  cpuSeconds: number;
  residentBytes: number;
  /** Bytes of this thread's JavaScript heap. */
  heapBytes: number;
  /** Open descriptors; absent where the runtime has no permission to count them. */
  openFds?: number;
  maxFds?: number;
}

/** Reads what the process uses now. */
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
