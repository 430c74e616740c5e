import type { SocketCalls } from "../linux/socket_calls.ts";
import { refuseNewProgram } from "../linux/steering_program.ts";
import type { Steering } from "./steering.ts";

/** A member's own descriptor is a duplicate: the socket leaves the group when the group lets it, whatever its worker does. */
export interface Member {
  readonly fd: number;
}

/**
 * The listening sockets that share one address (SO_REUSEPORT), of all workers and generations, and which of them get new
 * connections.
 *
 * The kernel numbers the members in the order in which they began to listen, and the last takes the number of one that
 * leaves (net/core/sock_reuseport.c). This keeps the same list.
 */
export class SocketGroup {
  readonly #calls: SocketCalls;
  readonly #members: Member[] = [];
  #steering: Steering<Member> | null = null;

  constructor(calls: SocketCalls) {
    this.#calls = calls;
  }

  get size(): number {
    return this.#members.length;
  }

  /**
   * Takes in the socket that was the last to begin to listen. It gets no new connections until it is chosen, unless it is
   * the first.
   * @param fd the worker's descriptor
   */
  join(fd: number): Member {
    // It marks the socket as known, too.
    this.#calls.setTcpOptions(fd);
    const member = { fd: this.#calls.duplicate(fd) };
    this.#members.push(member);
    return member;
  }

  /** From the next packet on, new connections go where `steering` says; its members are all in this group. */
  steer(steering: Steering<Member> | null): void {
    this.#steering = steering;
    if (steering === null || !this.#calls.steers) return;
    const indexes = new Map(this.#members.map((member, index) => [member, index]));
    const program = steering.program((member) => indexes.get(member)!);
    this.#calls.attachReuseportProgram(this.#members[0].fd, program);
  }

  /** Ends a socket. Its worker has closed its own descriptor; connections that wait there still are lost. */
  leave(member: Member): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    const steering = this.#steering?.without(member) ?? null;
    const last = this.#members.at(-1)!;
    // While the last one changes its number the others get everything: a wrong number would be anybody's.
    const meanwhile = steering?.members.has(last) ? steering.without(last) : null;
    if (meanwhile !== null) this.steer(meanwhile);
    this.#calls.endListening(member.fd);
    this.#members[index] = last;
    this.#members.pop();
    this.steer(steering);
  }

  /**
   * Lets a socket take no new connection, not even one that goes astray: a SYN is dropped, and its sender sends it again.
   * Handshakes under way can end.
   */
  refuseNew(member: Member): void {
    try {
      this.#calls.attachFilter(member.fd, refuseNewProgram());
    } catch {
      // There are kernels that let only root drop packets (EPERM). In a reload new connections are steered elsewhere anyway;
      // in a drain the socket takes some until its queue is empty. Neither may fail for that.
    }
  }

  /** Connections that wait to be accepted. */
  waiting(member: Member): number {
    return this.#calls.acceptQueueLength(member.fd);
  }
}
