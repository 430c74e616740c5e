import type { Log } from "../log/log.ts";
import type { Plan } from "./plan.ts";

/** Descriptors for what is no connection: listeners, logs, the runtime's own. */
const OWN_FILES = 100;
/** The client's, and the backend's. */
const FILES_PER_CONNECTION = 2;
/** Where the limit is not known. */
const USUAL_FILES = 65_536;

/** What each thread takes to begin: measured 8 on Deno from source, and 3 on Bun. */
const FILES_PER_THREAD = 8;
/** What is to be left when threads begin: a reload reads files, and connections come meanwhile. */
const SPARE_FILES = 16;

/** What the limit of open files needs of the operating system; {@linkcode Libc} has it. */
interface FileLimitCalls {
  raiseFileLimit(): number;
  fileLimit(): { soft: number; hard: number };
  openFds(): number[];
}

/** Raises the soft limit of open files to the hard one (getrlimit(2)), and returns how many connections fit into that. */
export function raiseFileLimit(calls: FileLimitCalls | null): number {
  const files = calls?.raiseFileLimit() ?? USUAL_FILES;
  return Math.max(1, Math.floor((files - OWN_FILES) / FILES_PER_CONNECTION));
}

/**
 * To be called before threads are started: a runtime that finds no descriptors for a thread's event loop ends the whole
 * process, with every connection (Deno panics, Bun exits).
 * @throws {Error} when there are too few descriptors left for them
 */
export function checkThreadRoom(calls: Omit<FileLimitCalls, "raiseFileLimit"> | null, threads: number): void {
  if (calls === null || threads === 0) return;
  const { soft } = calls.fileLimit();
  const free = Math.max(0, soft - calls.openFds().length);
  const needed = threads * FILES_PER_THREAD + SPARE_FILES;
  if (free >= needed) return;
  throw new Error(
    `Cannot start ${threads} more ${threads === 1 ? "worker" : "workers"}: ${free} of ${soft} descriptors are free, ` +
      `and ${needed} are needed; raise the limit of open files (ulimit -Hn, LimitNOFILE=) or lower limits.connections`,
  );
}

/** Says where more connections are allowed than there can be. */
export function checkFileLimit({ config }: Plan, maxConnections: number, log: Log): void {
  const room =
    `the limit of open files has room for ${maxConnections} connections, raise it (ulimit -Hn, LimitNOFILE=)`;
  let fits = true;
  let total = 0;
  for (const { name, limits: { connections } } of config.listeners) {
    total += connections;
    if (connections <= maxConnections) continue;
    fits = false;
    log.warn(`limits.connections of listener "${name}" cannot be reached: ${room}`, {
      event: "file-limit",
      listener: name,
      limit: connections,
      room: maxConnections,
    });
  }
  if (fits && total > maxConnections) {
    log.warn(`limits.connections of all listeners, ${total} together, cannot be reached: ${room}`, {
      event: "file-limit",
      limit: total,
      room: maxConnections,
    });
  }
}
