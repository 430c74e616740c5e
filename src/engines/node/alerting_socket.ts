import { TLSSocket } from "node:tls";

/**
 * A socket whose failed handshake is heard of. When a handshake fails, Deno destroys the socket in the same turn in which the alert
 * is to be written: if the flight before it is still on its way out, the alert is lost, and the client sees the connection
 * end without a reason.
 */
export class AlertingSocket extends TLSSocket {
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (error === null || error === undefined) return super._destroy(error, callback);
    setTimeout(() => super._destroy(error, callback), 0);
  }
}
