import { type Conn, ConnError, type Listener } from "../runtime/contract.ts";

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 1000;

/**
 * Accepts until the listener is closed. Out of descriptors (EMFILE) is no end: it pauses and goes on, since the connection
 * waits in the backlog meanwhile.
 * @param serve is given each connection, and must not throw
 * @param exhausted is told once for each time that accepting had to pause
 * @param turn is awaited before each accept, where connections are limited
 * @throws {ConnError} when the listener itself failed
 */
export async function acceptLoop(
  listener: Listener,
  serve: (conn: Conn) => void,
  exhausted: (error: ConnError) => void,
  turn: (() => Promise<void> | undefined) | null = null,
): Promise<void> {
  let pauseMs = 0;
  for (;;) {
    try {
      const wait = turn?.();
      if (wait !== undefined) await wait;
      const conn = await listener.accept();
      pauseMs = 0;
      serve(conn);
    } catch (error) {
      if (!(error instanceof ConnError)) throw error;
      if (error.kind === "closed") return;
      // A client that has gone before it was accepted (accept(2), ECONNABORTED) concerns nobody.
      if (error.kind === "reset") continue;
      if (error.kind !== "exhausted") throw error;
      if (pauseMs === 0) exhausted(error);
      pauseMs = Math.min(pauseMs === 0 ? FIRST_PAUSE_MS : pauseMs * 2, LONGEST_PAUSE_MS);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
