import type { Conn } from "../engines/contract.ts";

/** How long a client may take to read close_notify and to end, where the proxy ends the connection. */
export const CLOSING_MS = 1_000;

/**
 * Dismisses a client that nothing is relayed for: it gets close_notify and FIN, and its bytes are dropped until it has
 * received them. Closing with unread bytes would reset the connection, and the client might see nothing but the reset.
 * Never throws.
 * @param firstRead the read that has begun already, if any
 */
export async function dismissClient(client: Conn, firstRead: Promise<Uint8Array | null> | null): Promise<void> {
  const timer = setTimeout(() => client.close(), CLOSING_MS);
  try {
    await client.closeWrite();
    if (firstRead !== null && await firstRead === null) return;
    while (await client.read() !== null);
  } catch {
    // The client has left, or its time is over. It is closed next.
  } finally {
    clearTimeout(timer);
  }
}
