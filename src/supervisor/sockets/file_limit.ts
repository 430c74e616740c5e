import type { Log } from "../../log/log.ts";
import type { Plan } from "../plan/plan.ts";

/** Descriptors that are not for connections: listening sockets, logs, those of the runtime. */
const OWN_FILES = 100;
/** The descriptors of a connection: the client's socket and the backend's. */
const FILES_PER_CONNECTION = 2;
/** The limit that is assumed where it is not known. */
const USUAL_FILES = 65_536;

/** How many descriptors a new thread needs: measured 8 on Deno from source, and 3 on Bun. */
const FILES_PER_THREAD = 8;
/** How many descriptors must be left besides: a reload reads files, and connections arrive meanwhile. */
const SPARE_FILES = 16;

/** Calls of the operating system about the limit of open files. */
interface FileLimitCalls {
  raiseFileLimit(): number;
  fileLimit(): { soft: number; hard: number };
  openFds(): number[];
}

/**
 * Raises the soft limit of open files to the hard one (getrlimit(2)), and returns how many connections fit into that.
 */
export function raiseFileLimit(calls: FileLimitCalls | null): number {
  const files = calls?.raiseFileLimit() ?? USUAL_FILES;
  return Math.max(1, Math.floor((files - OWN_FILES) / FILES_PER_CONNECTION));
}

/**
 * Checks that there are descriptors for new threads. To be called before they are started: without descriptors for a
 * thread's event loop the runtime ends the whole process, with every connection (Deno panics, Bun exits).
 * @throws {Error} when too few descriptors are left
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

/** Warns where the limits allow more connections than there are descriptors for. */
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
