/** The reasons of connections that end by a failure of one of their sides. */
import { ConnError } from "../engines/contract.ts";
import type { Reason } from "../metrics/reasons.ts";

/** The reason of a connection whose handshake, or the PROXY header in front of it, has failed. */
export function handshakeReason(error: unknown): Reason {
  if (!(error instanceof ConnError)) return "handshake-failed";
  if (error.kind === "certificate") return "client-auth";
  if (error.kind === "no-route") return "no-route";
  return isReset(error) ? "client-reset" : "handshake-failed";
}

/** The reason of a connection whose client has failed after the handshake. */
export function clientReason(error: ConnError): Reason {
  return isReset(error) ? "client-reset" : "client-error";
}

/** The reason of a connection whose backend has failed. */
export function backendReason(error: unknown): Reason {
  return error instanceof ConnError && error.kind === "reset" ? "backend-reset" : "backend-error";
}

/** Whether the peer has reset the connection, or has left without anybody being able to tell how. */
export function isReset({ kind }: ConnError): boolean {
  return kind === "reset" || kind === "broken-pipe" || kind === "vanished";
}
