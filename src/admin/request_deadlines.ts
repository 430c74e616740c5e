import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { clearTimeout, setTimeout } from "node:timers";

/**
 * Ends connections whose requests do not arrive in time. The runtimes' own deadlines differ: on Deno 2.7 a client that
 * said nothing could stay for 35 s, and with all connections taken kept everybody else out.
 */
export class RequestDeadlines {
  readonly #timers = new WeakMap<Socket, ReturnType<typeof setTimeout>>();

  /**
   * @param requestMs from the beginning of a connection to the head of its first request, and from the head of a request
   * to its end
   * @param idleMs how long a connection may be idle between two requests
   */
  constructor(private readonly requestMs: number, private readonly idleMs: number) {}

  /** A connection was accepted. */
  opened(socket: Socket): void {
    this.#end(socket, this.requestMs);
    socket.once("close", () => this.#spare(socket));
  }

  /** The head of a request has come. */
  began(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    this.#end(socket, this.requestMs);
    request.once("end", () => this.#spare(socket));
    response.once("close", () => this.#end(socket, this.idleMs + this.requestMs));
  }

  /** Ends a connection unless something comes in time. */
  #end(socket: Socket, afterMs: number): void {
    this.#spare(socket);
    if (!socket.destroyed) this.#timers.set(socket, setTimeout(() => socket.destroy(), afterMs));
  }

  #spare(socket: Socket): void {
    clearTimeout(this.#timers.get(socket));
  }
}
