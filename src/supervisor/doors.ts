import { formatAddress } from "../config/address.ts";
import type { CrewMember } from "./crew_member.ts";
import type { PreparedSocket } from "./messages.ts";
import { type Member, type SocketCalls, SocketGroup } from "./socket_group.ts";

/** A listening socket of one worker. */
export interface Door {
  readonly worker: CrewMember;
  readonly id: number;
  readonly listener: string;
  readonly address: string;
  /** `null` for a Unix socket. */
  readonly endpoint: { hostname: string; port: number } | null;
  /** `null` where there are no socket calls: the kernel's hash decides who gets a connection. */
  readonly member: Member | null;
}

/** Every listening socket of every worker, and which of them new connections go to. */
export class Doors {
  readonly #calls: SocketCalls | null;
  readonly #groups = new Map<string, SocketGroup>();
  readonly #all = new Set<Door>();
  #chosen = new Set<Door>();

  /** @param calls `null` where the runtime has no way to the operating system's calls */
  constructor(calls: SocketCalls | null) {
    this.#calls = calls;
  }

  get all(): Door[] {
    return [...this.#all];
  }

  /** Where somebody listens. */
  get addresses(): string[] {
    return [...new Set(this.all.map(({ address }) => address))];
  }

  /** Those that new connections go to. */
  get chosen(): ReadonlySet<Door> {
    return this.#chosen;
  }

  /** The descriptors that are open now. */
  openFds(): ReadonlySet<number> {
    return new Set(this.#calls?.openFds());
  }

  /**
   * The door of a worker's socket; a new one where the worker has just begun to listen. One at a time for each address: the
   * order is the kernel's numbering.
   * @param openBefore descriptors that were open before the worker began
   */
  open(worker: CrewMember, socket: PreparedSocket, openBefore: ReadonlySet<number>): Door {
    const known = this.all.find((door) => door.worker === worker && door.id === socket.id);
    if (known !== undefined) return known;
    const address = formatAddress(socket.address);
    let member: Member | null = null;
    if (this.#calls !== null && socket.address.transport === "tcp" && !socket.inherited) {
      const fd = socket.fd ?? this.#calls.newListenerFd(socket.address, openBefore);
      if (fd === undefined) throw new Error(`Cannot find the descriptor of the socket that listens on ${address}`);
      let group = this.#groups.get(address);
      if (group === undefined) this.#groups.set(address, group = new SocketGroup(this.#calls));
      member = group.join(fd);
    }
    const endpoint = socket.address.transport === "tcp" ? socket.address : null;
    const door: Door = { worker, id: socket.id, listener: socket.listener, address, endpoint, member };
    this.#all.add(door);
    return door;
  }

  /** New connections go to these doors alone from now on, to each as often. */
  choose(doors: Iterable<Door>): void {
    this.#chosen = new Set([...doors].filter((door) => this.#all.has(door)));
    for (const group of this.chosenGroups()) this.weigh(group, group.map(() => 1));
  }

  /** The chosen doors by their address; without those that nobody can steer to. */
  chosenGroups(): Door[][] {
    const groups = new Map<string, Door[]>();
    for (const door of this.#chosen) {
      if (door.member !== null) groups.set(door.address, [...groups.get(door.address) ?? [], door]);
    }
    return [...groups.values()];
  }

  /** New connections go to these doors of one address as often as their weights say. */
  weigh(doors: readonly Door[], weights: readonly number[]): void {
    const own = new Map(doors.map(({ member }, index) => [member!, weights[index]]));
    this.#groups.get(doors[0].address)?.choose(own);
  }

  /** Lets a door take no new connection; those that wait there can still be accepted. */
  refuseNew(door: Door): void {
    if (door.member !== null && this.#all.has(door)) this.#groups.get(door.address)?.refuseNew(door.member);
  }

  /** Connections that wait at a door. */
  waiting(door: Door): number {
    if (door.member === null || !this.#all.has(door)) return 0;
    return this.#groups.get(door.address)?.waiting(door.member) ?? 0;
  }

  /**
   * Clients that have not yet answered our SYN-ACK at the address of a door, at any of the sockets there.
   * @throws {Error} where nobody tells
   */
  halfOpen({ endpoint }: Door): Set<string> {
    if (this.#calls === null || endpoint === null) throw new Error("Cannot list connections: no calls");
    return this.#calls.halfOpen(endpoint);
  }

  /** A worker has closed its socket, or has ended. */
  closed(door: Door): void {
    if (!this.#all.delete(door)) return;
    this.#chosen.delete(door);
    const { address, member } = door;
    const group = this.#groups.get(address);
    if (group === undefined || member === null) return;
    group.leave(member);
    if (group.size === 0) this.#groups.delete(address);
  }
}
