import type { ListenerConfig } from "../../config/config.ts";
import { ClientCounts } from "../../proxy/limits/clients.ts";
import {
  allocateClients,
  allocateCounts,
  ARRIVALS,
  breakLock,
  CONNECTIONS,
  HANDSHAKES_PER_SECOND,
  type LimitsBuffers,
  locked,
  mapLimits,
  MAX_SLOTS,
  PER_CLIENT,
  SLOTS,
  TOTAL,
  WAKE,
} from "../../proxy/limits/memory.ts";
import type { Plan } from "../plan/plan.ts";

/**
 * The main thread's side of the limits. It allocates their memory, which is kept as long as a listener of that name is.
 */
export class SharedLimits {
  readonly #buffers = new Map<string, LimitsBuffers>();
  /** The listeners of the plan that is in service. */
  #served = new Set<string>();
  readonly #slots = new Set<number>();
  readonly #connections: number;

  /** @param connections how many connections this process can have at once */
  constructor(connections: number) {
    this.#connections = connections;
  }

  /**
   * Returns the memory for every listener of a plan, by its name. The limits of listeners that are in service already
   * change with {@linkcode set}.
   */
  allocate({ config: { listeners } }: Plan): Record<string, LimitsBuffers> {
    const names = listeners.map(({ name, limits }) => {
      const buffers = this.#buffers.get(name) ?? { counts: allocateCounts(), clients: null };
      if (limits.perClient > 0) buffers.clients ??= allocateClients(this.#connections);
      this.#buffers.set(name, buffers);
      // A worker reads the limits before it accepts for the first time, which may be before the plan is in service.
      if (!this.#served.has(name)) store(buffers, limits);
      return [name, buffers] as const;
    });
    this.#tellSlots();
    return Object.fromEntries(names);
  }

  /** Puts the limits of a plan into force, and forgets listeners that it does not have. */
  set({ config: { listeners } }: Plan): void {
    for (const { name, limits } of listeners) {
      store(this.#buffers.get(name)!, limits);
    }
    this.#served = new Set(listeners.map(({ name }) => name));
    for (const name of [...this.#buffers.keys()]) if (!this.#served.has(name)) this.#buffers.delete(name);
    this.#tellSlots();
  }

  /** How many connections each of these workers has with a listener now, and how many all have had since the start. */
  connections(listener: string, slots: readonly number[]): { counts: number[]; arrivals: number } {
    const buffers = this.#buffers.get(listener);
    if (buffers === undefined) return { counts: slots.map(() => 0), arrivals: 0 };
    const { header, columns } = mapLimits(buffers);
    return { counts: slots.map((slot) => Atomics.load(columns, slot)), arrivals: Atomics.load(header, ARRIVALS) };
  }

  /** Reserves a column for a worker. */
  takeSlot(): number {
    let slot = 0;
    while (this.#slots.has(slot)) slot++;
    if (slot >= MAX_SLOTS) throw new RangeError(`Cannot have more than ${MAX_SLOTS} workers at once`);
    this.#slots.add(slot);
    this.#tellSlots();
    return slot;
  }

  /** Releases the column of a worker that has ended, and everything that it had taken. */
  freeSlot(slot: number): void {
    for (const buffers of this.#buffers.values()) {
      const { header, columns, clients } = mapLimits(buffers);
      breakLock(header, slot);
      Atomics.sub(header, TOTAL, Atomics.exchange(columns, slot, 0));
      if (clients.length > 0) locked(header, slot, () => new ClientCounts(clients).removeAll(slot));
      Atomics.add(header, WAKE, 1);
      Atomics.notify(header, WAKE);
    }
    this.#slots.delete(slot);
  }

  #tellSlots(): void {
    const slots = Math.max(0, ...this.#slots) + 1;
    for (const buffers of this.#buffers.values()) Atomics.store(mapLimits(buffers).header, SLOTS, slots);
  }
}

function store(buffers: LimitsBuffers, limits: ListenerConfig["limits"]): void {
  const { header } = mapLimits(buffers);
  Atomics.store(header, CONNECTIONS, limits.connections);
  Atomics.store(header, PER_CLIENT, limits.perClient);
  Atomics.store(header, HANDSHAKES_PER_SECOND, limits.handshakesPerSecond);
  Atomics.add(header, WAKE, 1);
  Atomics.notify(header, WAKE);
}
