import { setImmediate } from "node:timers";

/** A client's connection whose handshake is done. */
interface Silent {
  /** Acknowledges what the client has sent, unless more has come since, which is acknowledged by the answer to it. */
  acknowledge(): void;
}

let silent: Silent[] = [];

/**
 * Has the end of a client's handshake acknowledged at the end of this turn of the event loop. On Bun BoringSSL answers it
 * with nothing. A client that does not turn Nagle's algorithm off holds its first request until it is acknowledged,
 * which the kernel would put off for 40 ms. Most clients send their request at once. It has been read by then, and to
 * acknowledge without need costs a packet, about 5 µs.
 */
export function acknowledgeSoon(connection: Silent): void {
  if (silent.push(connection) === 1) setImmediate(acknowledgeAll);
}

function acknowledgeAll(): void {
  const connections = silent;
  silent = [];
  for (const connection of connections) connection.acknowledge();
}
