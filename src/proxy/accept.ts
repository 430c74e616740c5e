import { type Conn, ConnError, type Listener } from "../engines/contract.ts";

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 1000;

/** Decides when a connection may be accepted, and what becomes of one that was. */
export interface Gate<Ticket> {
  /** What the next connection comes in with, at once or when its time has come. */
  enter(): Ticket | Promise<Ticket>;
  /** Checks the ticket again after accept: a reload may have changed the limits. */
  arrived(ticket: Ticket): Ticket | Promise<Ticket>;
  /** Nothing was accepted. */
  failed(ticket: Ticket): void;
}

/**
 * Accepts until the listener is closed. To be out of descriptors (EMFILE) is no end. Where connections wait in the kernel's
 * backlog until they are asked for, it pauses then and goes on; an engine that accepts them as they come sees to that itself.
 * @param serve is given each connection, and must not throw
 * @param exhausted is told once each time that descriptors or memory have run out
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
      if (listener.readable === undefined) continue;
      pauseMs = Math.min(pauseMs === 0 ? FIRST_PAUSE_MS : pauseMs * 2, LONGEST_PAUSE_MS);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
