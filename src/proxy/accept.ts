import { type Conn, ConnError, type Listener } from "../engines/contract.ts";

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 1000;

/** Decides when a connection may be accepted, and what becomes of one that was. */
export interface AcceptControl<Slot> {
  /** Admits or refuses a connection that the engine has accepted already. */
  admit(): Slot;
  /** Reserves a slot for the next connection, at once or as soon as the limits allow. */
  reserve(): Slot | Promise<Slot>;
  /** Checks the slot again after accept: a reload may have changed the limits. */
  confirm(slot: Slot): Slot | Promise<Slot>;
  /** Gives a slot back, because nothing was accepted. */
  giveBack(slot: Slot): void;
}

/**
 * Accepts until the listener is closed. Running out of descriptors (EMFILE) does not end it. Where connections wait in
 * the kernel's backlog until they are accepted, it pauses then and goes on. An engine that accepts them as they come
 * does so itself.
 * @param serve is called with each connection, and must not throw
 * @param exhausted is called once each time that descriptors or memory have run out
 * @param control is asked before each accept
 * @throws {ConnError} when the listener itself failed
 */
export function acceptLoop<Slot>(
  listener: Listener,
  serve: (conn: Conn, slot: Slot) => void,
  exhausted: (error: ConnError) => void,
  control: AcceptControl<Slot>,
): Promise<void> {
  if (listener.acceptTo === undefined) return acceptEach(listener, serve, exhausted, control);
  return new Promise((resolve, reject) => {
    let isExhausted = false;
    listener.acceptTo!({
      accepted(conn) {
        isExhausted = false;
        serve(conn, control.admit());
      },
      failed(error) {
        if (error.kind === "closed") return resolve();
        if (error.kind === "reset") return;
        if (error.kind !== "exhausted") return reject(error);
        if (!isExhausted) exhausted(error);
        isExhausted = true;
      },
    });
  });
}

async function acceptEach<Slot>(
  listener: Listener,
  serve: (conn: Conn, slot: Slot) => void,
  exhausted: (error: ConnError) => void,
  control: AcceptControl<Slot>,
): Promise<void> {
  let pauseMs = 0;
  for (;;) {
    const reserving = control.reserve();
    let slot = reserving instanceof Promise ? await reserving : reserving;
    try {
      const conn = await listener.accept();
      pauseMs = 0;
      const confirming = control.confirm(slot);
      slot = confirming instanceof Promise ? await confirming : confirming;
      serve(conn, slot);
    } catch (error) {
      control.giveBack(slot);
      if (!(error instanceof ConnError)) throw error;
      if (error.kind === "closed") return;
      // A client that left before it was accepted (accept(2), ECONNABORTED) is of no concern.
      if (error.kind === "reset") continue;
      if (error.kind !== "exhausted") throw error;
      if (pauseMs === 0) exhausted(error);
      pauseMs = Math.min(pauseMs === 0 ? FIRST_PAUSE_MS : pauseMs * 2, LONGEST_PAUSE_MS);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
