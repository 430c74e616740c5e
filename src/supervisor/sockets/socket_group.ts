import type { SocketCalls } from "../../linux/socket_calls.ts";
import { refuseNewProgram } from "../../linux/steering_program.ts";
import type { Steering } from "./steering.ts";

/**
 * A socket of a group. Its descriptor is a duplicate, so that the socket leaves the group when the group decides, even
 * if its worker has closed its own.
 */
export interface GroupSocket {
  readonly fd: number;
}

/**
 * The listening sockets of all workers and generations that share one address (SO_REUSEPORT), and which of them get new
 * connections.
 *
 * The kernel numbers the sockets in the order in which they began to listen, and the last one takes the number of one
 * that leaves (net/core/sock_reuseport.c). This class keeps the same list.
 */
export class SocketGroup {
  readonly #calls: SocketCalls;
  readonly #sockets: GroupSocket[] = [];
  #steering: Steering<GroupSocket> | null = null;

  constructor(calls: SocketCalls) {
    this.#calls = calls;
  }

  get size(): number {
    return this.#sockets.length;
  }

  /**
   * Adds the socket that was the last to begin to listen. It gets no new connections until it is chosen, unless it is
   * the first.
   * @param fd the worker's descriptor
   */
  join(fd: number): GroupSocket {
    // The options also mark the socket as known, for newListenerFd().
    this.#calls.setTcpOptions(fd);
    const socket = { fd: this.#calls.duplicate(fd) };
    this.#sockets.push(socket);
    return socket;
  }

  /** Steers new connections by a rule, all of whose sockets are in this group. */
  steer(steering: Steering<GroupSocket> | null): void {
    this.#steering = steering;
    if (steering === null || !this.#calls.steers) return;
    const indexes = new Map(this.#sockets.map((socket, index) => [socket, index]));
    const program = steering.program((socket) => indexes.get(socket)!);
    this.#calls.attachReuseportProgram(this.#sockets[0].fd, program);
  }

  /** Ends a socket whose worker has closed its own descriptor. Connections that still wait there are lost. */
  leave(socket: GroupSocket): void {
    const index = this.#sockets.indexOf(socket);
    if (index < 0) return;
    const steering = this.#steering?.without(socket) ?? null;
    const last = this.#sockets.at(-1)!;
    // While the last socket changes its number, the others get all connections, because its number could be another's.
    const meanwhile = steering?.members.has(last) ? steering.without(last) : null;
    if (meanwhile !== null) this.steer(meanwhile);
    this.#calls.endListening(socket.fd);
    this.#sockets[index] = last;
    this.#sockets.pop();
    this.steer(steering);
  }

  /**
   * Lets a socket take no new connection, not even one that was steered wrongly: a SYN is dropped, and its sender
   * repeats it. Handshakes under way can end.
   */
  refuseNew(socket: GroupSocket): void {
    try {
      this.#calls.attachFilter(socket.fd, refuseNewProgram());
    } catch {
      // Some kernels let only root drop packets (EPERM). In a reload new connections are steered elsewhere anyway; in a
      // drain the socket takes some until its queue is empty. Neither may fail for that reason.
    }
  }

  /** How many connections wait to be accepted. */
  waiting(socket: GroupSocket): number {
    return this.#calls.acceptQueueLength(socket.fd);
  }
}
