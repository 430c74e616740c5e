import { type Conn, ConnError } from "../contract.ts";

const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * Connects, and tries again while the application's accept backlog is full (EAGAIN on a Unix socket, unix(7)) or this
 * process is out of descriptors.
 * @param deadline `performance.now()` time in milliseconds
 * @throws {ConnError} the last failure, or kind `timeout`
 */
export async function connectWithRetry(connect: () => Promise<Conn>, deadline: number): Promise<Conn> {
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    try {
      return await connect();
    } catch (error) {
      if (!(error instanceof ConnError) || error.kind !== "exhausted") throw error;
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new ConnError("timeout", `Connection timed out: ${error.message}`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)));
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}
