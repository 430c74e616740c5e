import { type Conn, ConnError, type Listener } from "../engines/contract.ts";

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 1000;

/** When a connection may be accepted. */
export interface Gate<Ticket> {
  /** What the next connection comes in with, at once or when its time has come. */
  enter(): Ticket | Promise<Ticket>;
  /** What the connection goes on with: other rules may have come meanwhile, and let it wait. */
  arrived(ticket: Ticket): Ticket | Promise<Ticket>;
  /** Nothing was accepted. */
  failed(ticket: Ticket): void;
}

/**
 * Accepts until the listener is closed. Out of descriptors (EMFILE) is no end: it pauses and goes on, since the connection
 * waits in the backlog meanwhile.
 * @param serve is given each connection, and must not throw
 * @param exhausted is told once for each time that accepting had to pause
 * @param gate is asked before each accept
 * @throws {ConnError} when the listener itself failed
 */
export async function acceptLoop<Ticket>(
  listener: Listener,
  serve: (conn: Conn, ticket: Ticket) => void,
  exhausted: (error: ConnError) => void,
  gate: Gate<Ticket>,
): Promise<void> {
  let pauseMs = 0;
  for (;;) {
    const entering = gate.enter();
    let ticket = entering instanceof Promise ? await entering : entering;
    try {
      const conn = await listener.accept();
      pauseMs = 0;
      const arriving = gate.arrived(ticket);
      ticket = arriving instanceof Promise ? await arriving : arriving;
      serve(conn, ticket);
    } catch (error) {
      gate.failed(ticket);
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
