import { type Conn, ConnError } from "../contract.ts";

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * Connects, and tries again while the application's accept backlog is full (EAGAIN on a Unix socket, unix(7)) or this
 * process is out of descriptors.
 * @param deadline `performance.now()` time in milliseconds
 * @throws {ConnError} the last failure, or kind `timeout`
 */
export function connectWithRetry(connect: () => Promise<Conn>, deadline: number): Promise<Conn> {
  return connect().catch((failure) => connectAgain(connect, deadline, failure));
}

async function connectAgain(connect: () => Promise<Conn>, deadline: number, failure: unknown): Promise<Conn> {
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    if (!(failure instanceof ConnError) || failure.kind !== "exhausted") throw failure;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) throw new ConnError("timeout", `Connection timed out: ${failure.message}`, { cause: failure });
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)));
    try {
      return await connect();
    } catch (error) {
      failure = error;
    }
  }
}
