/** What a listening socket that no new connection goes to waits for before it is closed. */
import { setTimeout } from "node:timers/promises";
import type { ListeningSocket, ListeningSockets } from "./listening_sockets.ts";

/**
 * A socket that was replaced goes on accepting until the TCP handshakes that were under way with it have ended. Where
 * the kernel does not tell which those are, it does so for `LINGER_MS`, else at most for `LONGEST_LINGER_MS`: the
 * kernel repeats a SYN-ACK after 1, 3, 7, 15 and 31 s.
 */
const LINGER_MS = 5_000;
const LONGEST_LINGER_MS = 63_000;
/** The least time, for a SYN that had reached the old socket before new connections were steered elsewhere. */
const FIRST_LINGER_MS = 50;
const LONGEST_LINGER_POLL_MS = 1_000;
/** How often a queue is checked for being empty. */
const QUEUE_POLL_MS = 5;
const LONGEST_QUEUE_POLL_MS = 500;

/** Resolves when no TCP handshake is under way any more that began with the socket. */
export async function handshakesEnded(sockets: ListeningSockets, socket: ListeningSocket): Promise<void> {
  const startMs = performance.now();
  try {
    await setTimeout(FIRST_LINGER_MS);
    // New sockets have the same address. Handshakes that begin later are theirs.
    let clients = sockets.halfOpen(socket);
    for (let pauseMs = FIRST_LINGER_MS; clients.size > 0; pauseMs = Math.min(pauseMs * 2, LONGEST_LINGER_POLL_MS)) {
      if (performance.now() - startMs > LONGEST_LINGER_MS) return;
      await setTimeout(pauseMs);
      clients = clients.intersection(sockets.halfOpen(socket));
    }
  } catch {
    await setTimeout(LINGER_MS);
  }
}

/** Resolves when no connection waits at the socket any more, or `isOver`. */
export async function queueEmpty(
  sockets: ListeningSockets,
  socket: ListeningSocket,
  isOver: () => boolean,
): Promise<void> {
  for (let pauseMs = QUEUE_POLL_MS; sockets.waiting(socket) > 0 && !isOver();) {
    await setTimeout(pauseMs);
    pauseMs = Math.min(pauseMs * 1.1, LONGEST_QUEUE_POLL_MS);
  }
}
