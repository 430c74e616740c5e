import { clearInterval, setInterval } from "node:timers";
import type { SharedLimits } from "../workers/shared_limits.ts";
import type { ListeningSockets } from "./listening_sockets.ts";
import { spreadWeights } from "./spread_weights.ts";

/** How often the weights of the workers are set, by how many connections each has. */
const SPREAD_MS = 100;

/** Sets the weights of the workers at each address: those with fewer connections get more of the new ones. */
export class WorkerWeights {
  readonly #sockets: ListeningSockets;
  readonly #limits: SharedLimits;
  /** How many connections each address had had when its weights were last set. */
  readonly #arrivals = new Map<string, number>();
  readonly #timer = setInterval(() => this.#set(), SPREAD_MS);

  constructor(sockets: ListeningSockets, limits: SharedLimits) {
    this.#sockets = sockets;
    this.#limits = limits;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #set(): void {
    for (const sockets of this.#sockets.weightedGroups()) {
      if (sockets.length < 2) continue;
      const [{ listener, address }] = sockets;
      const { counts, arrivals } = this.#limits.connections(listener, sockets.map(({ worker }) => worker.slot));
      const before = this.#arrivals.get(address) ?? 0;
      if (arrivals === before) continue;
      this.#arrivals.set(address, arrivals);
      this.#sockets.weigh(sockets, spreadWeights(counts, arrivals - before));
    }
  }
}
