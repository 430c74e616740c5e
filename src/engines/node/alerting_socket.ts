import { LastingTlsSocket } from "./lasting_socket.ts";

/**
 * A socket for Deno that sends the alert of a failed handshake. When a handshake fails, Deno destroys the socket in the
 * turn in which the alert is to be written. If the flight before it is still being written, the alert is lost, and the
 * client sees the connection end without a reason.
 */
export class AlertingSocket extends LastingTlsSocket {
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (error === null || error === undefined) return super._destroy(error, callback);
    setTimeout(() => super._destroy(error, callback), 0);
  }
}
