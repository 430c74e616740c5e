import type { SocketCalls } from "../linux/socket_calls.ts";
import { type Choice, chooseProgram, refuseNewProgram } from "../linux/steering_program.ts";

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
  #chosen: ReadonlyMap<Member, number> = new Map();

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

  /** From the next packet on, new connections go to these alone, as often as their weights say. */
  choose(weights: ReadonlyMap<Member, number>): void {
    this.#chosen = weights;
    const choices: Choice[] = [];
    this.#members.forEach((member, index) => {
      const weight = weights.get(member);
      if (weight !== undefined) choices.push({ index, weight });
    });
    if (choices.length > 0 && this.#calls.steers) {
      this.#calls.attachReuseportProgram(this.#members[0].fd, chooseProgram(choices));
    }
  }

  /** Ends a socket. Its worker has closed its own descriptor; connections that wait there still are lost. */
  leave(member: Member): void {
    const index = this.#members.indexOf(member);
    if (index < 0) return;
    const chosen = new Map([...this.#chosen].filter(([one]) => one !== member));
    const last = this.#members.at(-1)!;
    // While the last one changes its number the others get everything: a wrong number would be anybody's.
    const others = new Map([...chosen].filter(([one]) => one !== last));
    if (chosen.has(last) && others.size > 0) this.choose(others);
    this.#calls.endListening(member.fd);
    this.#members[index] = last;
    this.#members.pop();
    this.choose(chosen);
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
