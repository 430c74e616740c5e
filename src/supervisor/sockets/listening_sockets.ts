import { formatAddress } from "../../net/address.ts";
import type { PoolWorker } from "../workers/pool_worker.ts";
import type { PreparedSocket } from "../workers/messages.ts";
import { makeHashKey } from "../../linux/steering_program.ts";
import { ClientBuckets } from "./client_buckets.ts";
import { type GroupSocket, SocketGroup } from "./socket_group.ts";
import { ClientSteering, WeightedSteering } from "./steering.ts";
import type { SocketCalls } from "../../linux/socket_calls.ts";

/** A listening socket of one worker. */
export interface ListeningSocket {
  readonly worker: PoolWorker;
  readonly id: number;
  readonly listener: string;
  readonly address: string;
  /** `null` for a Unix socket. */
  readonly endpoint: { hostname: string; port: number } | null;
  /** `null` without socket calls. Then the kernel's hash decides which socket gets a connection. */
  readonly groupSocket: GroupSocket | null;
}

/** How new connections are spread over the workers. */
export interface SpreadRule {
  /** How many workers serve, including one that has just died. Their indices begin with 0. */
  workers: number;
  /** The addresses at which the same client always goes to the same worker. */
  byClient: ReadonlySet<string>;
}

/** Knows every listening socket of every worker, and which of them new connections go to. */
export class ListeningSockets {
  readonly #calls: SocketCalls | null;
  readonly #groups = new Map<string, SocketGroup>();
  readonly #all = new Set<ListeningSocket>();
  #chosen = new Set<ListeningSocket>();
  #spread: SpreadRule = { workers: 1, byClient: new Set() };
  readonly #buckets = new ClientBuckets();
  /** The key is random for each process, and stays the same over reloads. */
  readonly #hashKey = makeHashKey();

  /** @param calls `null` on a runtime without them */
  constructor(calls: SocketCalls | null) {
    this.#calls = calls;
  }

  get all(): ListeningSocket[] {
    return [...this.#all];
  }

  /** The addresses that the process listens on. */
  get addresses(): string[] {
    return [...new Set(this.all.map(({ address }) => address))];
  }

  /** The sockets that new connections go to. */
  get chosen(): ReadonlySet<ListeningSocket> {
    return this.#chosen;
  }

  /** The descriptors that are open now. */
  openFds(): ReadonlySet<number> {
    return new Set(this.#calls?.openFds());
  }

  /**
   * Returns the entry of a socket that a worker listens on, and makes one where it has just begun to. To be called in
   * the order in which the sockets of an address begin to listen, which is the kernel's numbering.
   * @param openBefore descriptors that were open before the worker began
   */
  open(worker: PoolWorker, prepared: PreparedSocket, openBefore: ReadonlySet<number>): ListeningSocket {
    const known = this.all.find((socket) => socket.worker === worker && socket.id === prepared.id);
    if (known !== undefined) return known;
    const address = formatAddress(prepared.address);
    let groupSocket: GroupSocket | null = null;
    if (this.#calls !== null && prepared.address.transport === "tcp" && !prepared.inherited) {
      const fd = prepared.fd ?? this.#calls.newListenerFd(prepared.address, openBefore);
      if (fd === undefined) throw new Error(`Cannot find the descriptor of the socket that listens on ${address}`);
      let group = this.#groups.get(address);
      if (group === undefined) this.#groups.set(address, group = new SocketGroup(this.#calls));
      groupSocket = group.join(fd);
    }
    const endpoint = prepared.address.transport === "tcp" ? prepared.address : null;
    const socket: ListeningSocket = {
      worker,
      id: prepared.id,
      listener: prepared.listener,
      address,
      endpoint,
      groupSocket,
    };
    this.#all.add(socket);
    return socket;
  }

  /**
   * Steers new connections to these sockets alone: at an address that is spread by client, to the worker that the
   * client belongs to, elsewhere to each equally often.
   */
  choose(sockets: Iterable<ListeningSocket>, spread: SpreadRule): void {
    this.#chosen = new Set([...sockets].filter((socket) => this.#all.has(socket)));
    this.#spread = spread;
    for (const group of this.#chosenGroups()) {
      if (spread.byClient.has(group[0].address)) this.#divideByClient(group);
      else this.weigh(group, group.map(() => 1));
    }
  }

  /** The chosen sockets of each address at which weights decide which one gets a connection. */
  weightedGroups(): ListeningSocket[][] {
    return this.#chosenGroups().filter(([{ address }]) => !this.#spread.byClient.has(address));
  }

  /** Divides the clients. Those of a worker that is being replaced go to the others meanwhile. */
  #divideByClient(sockets: readonly ListeningSocket[]): void {
    const owners = this.#buckets.owners(this.#spread.workers).map((worker, bucket) =>
      sockets.find((socket) => socket.worker.handle.index === worker) ?? sockets[bucket % sockets.length]
    );
    const group = this.#groups.get(sockets[0].address);
    group?.steer(new ClientSteering(owners.map(({ groupSocket }) => groupSocket!), this.#hashKey));
  }

  /** The chosen sockets of each address, without those that connections cannot be steered to. */
  #chosenGroups(): ListeningSocket[][] {
    const groups = new Map<string, ListeningSocket[]>();
    for (const socket of this.#chosen) {
      if (socket.groupSocket !== null) groups.set(socket.address, [...groups.get(socket.address) ?? [], socket]);
    }
    return [...groups.values()];
  }

  /** Steers new connections to these sockets of one address as often as their weights say. */
  weigh(sockets: readonly ListeningSocket[], weights: readonly number[]): void {
    const own = new Map(sockets.map(({ groupSocket }, index) => [groupSocket!, weights[index]]));
    this.#groups.get(sockets[0].address)?.steer(new WeightedSteering(own));
  }

  /** Lets a socket take no new connection. Those that wait there can still be accepted. */
  refuseNew(socket: ListeningSocket): void {
    if (socket.groupSocket !== null && this.#all.has(socket)) {
      this.#groups.get(socket.address)?.refuseNew(socket.groupSocket);
    }
  }

  /** How many connections wait at a socket. */
  waiting(socket: ListeningSocket): number {
    if (socket.groupSocket === null || !this.#all.has(socket)) return 0;
    return this.#groups.get(socket.address)?.waiting(socket.groupSocket) ?? 0;
  }

  /**
   * The clients that have a SYN-ACK from any of the sockets at the same address and have not answered it yet.
   * @throws {Error} where the kernel does not tell
   */
  halfOpen({ endpoint }: ListeningSocket): Set<string> {
    if (this.#calls === null || endpoint === null) throw new Error("Cannot list connections: no calls");
    return this.#calls.halfOpen(endpoint);
  }

  /** Forgets a socket that its worker has closed, or whose worker has ended. */
  closed(socket: ListeningSocket): void {
    if (!this.#all.delete(socket)) return;
    this.#chosen.delete(socket);
    const { address, groupSocket } = socket;
    const group = this.#groups.get(address);
    if (group === undefined || groupSocket === null) return;
    group.leave(groupSocket);
    if (group.size === 0) this.#groups.delete(address);
  }
}
