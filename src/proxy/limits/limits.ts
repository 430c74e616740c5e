import { ClientCounts, clientKey } from "./clients.ts";
import {
  ARRIVALS,
  CONNECTIONS,
  HANDSHAKES_PER_SECOND,
  type LimitsGrant,
  type LimitsMemory,
  locked,
  mapLimits,
  PER_CLIENT,
  SLOTS,
  TOTAL,
  WAKE,
} from "./memory.ts";

/** Handshakes that can wait may come so much earlier than their due time: a small burst. */
const BURST_MS = 100;
/** Of handshakes that cannot wait, those of a whole second may come at once: who comes too early is turned away for good. */
const WINDOW_MS = 1000;

/** The limits of one listener as one worker keeps them, exact over all workers. */
export class Limits {
  readonly #memory: LimitsMemory;
  readonly #clients: ClientCounts | null;
  readonly #slot: number;

  /** @param slot the worker's column; no two that live have the same */
  constructor(grant: LimitsGrant, slot: number) {
    this.#memory = mapLimits(grant);
    this.#clients = grant.clients === null ? null : new ClientCounts(this.#memory.clients);
    this.#slot = slot;
  }

  /** Whether a connection may have to wait before it is accepted. */
  get waits(): boolean {
    const { header } = this.#memory;
    return Atomics.load(header, CONNECTIONS) > 0 || Atomics.load(header, HANDSHAKES_PER_SECOND) > 0;
  }

  /** Takes a place for a connection, if there is one. */
  tryTake(): boolean {
    const { header } = this.#memory;
    for (;;) {
      const limit = Atomics.load(header, CONNECTIONS);
      const total = Atomics.load(header, TOTAL);
      if (limit > 0 && total >= limit) return false;
      if (Atomics.compareExchange(header, TOTAL, total, total + 1) !== total) continue;
      this.#count();
      return true;
    }
  }

  /** Takes a place whether there is one or not: the connection is there. */
  take(): void {
    Atomics.add(this.#memory.header, TOTAL, 1);
    this.#count();
  }

  /** Gives a place back. */
  giveBack(): void {
    Atomics.sub(this.#memory.columns, this.#slot, 1);
    Atomics.sub(this.#memory.header, TOTAL, 1);
    if (Atomics.load(this.#memory.header, CONNECTIONS) > 0) this.wake();
  }

  /** Lets everyone who waits look again. */
  wake(): void {
    Atomics.add(this.#memory.header, WAKE, 1);
    Atomics.notify(this.#memory.header, WAKE);
  }

  /**
   * Takes a place as soon as there is one.
   * @param givenUp looked at each time; then there is no place
   * @param full is told each time that there is none
   */
  async takeWhenFree(givenUp: () => boolean, full: () => void): Promise<boolean> {
    for (;;) {
      const seen = Atomics.load(this.#memory.header, WAKE);
      if (givenUp()) return false;
      if (this.tryTake()) return true;
      full();
      const wait = Atomics.waitAsync(this.#memory.header, WAKE, seen);
      if (wait.async) await wait.value;
    }
  }

  /** Milliseconds until the next handshake may begin; it counts as begun then. */
  handshakeDelayMs(nowMs: number): number {
    const { header, nextHandshakeMs } = this.#memory;
    const rate = Atomics.load(header, HANDSHAKES_PER_SECOND);
    if (rate === 0) return 0;
    return locked(header, this.#slot, () => {
      const dueMs = Math.max(nextHandshakeMs[0], nowMs);
      nextHandshakeMs[0] = dueMs + 1000 / rate;
      return Math.max(0, dueMs - nowMs - BURST_MS);
    });
  }

  /** Whether a handshake may begin now; it counts as begun then. */
  tryHandshake(nowMs: number): boolean {
    const { header, nextHandshakeMs } = this.#memory;
    const rate = Atomics.load(header, HANDSHAKES_PER_SECOND);
    if (rate === 0) return true;
    const intervalMs = 1000 / rate;
    return locked(header, this.#slot, () => {
      const dueMs = Math.max(nextHandshakeMs[0], nowMs);
      if (dueMs - nowMs > WINDOW_MS - intervalMs) return false;
      nextHandshakeMs[0] = dueMs + intervalMs;
      return true;
    });
  }

  /** Takes a place for a client, if it may have one more. */
  admit(client: string): boolean {
    const { header } = this.#memory;
    const clients = this.#clients;
    const limit = Atomics.load(header, PER_CLIENT);
    const key = clients === null ? null : clientKey(client);
    if (clients === null || key === null) return true;
    return locked(header, this.#slot, () => {
      if (limit > 0 && this.#countOf(clients, key) >= limit) return false;
      return clients.add(this.#slot, key);
    });
  }

  /** Gives a client's place back. */
  release(client: string): void {
    const key = this.#clients === null ? null : clientKey(client);
    if (key !== null) locked(this.#memory.header, this.#slot, () => this.#clients!.remove(this.#slot, key));
  }

  #count(): void {
    Atomics.add(this.#memory.columns, this.#slot, 1);
    Atomics.add(this.#memory.header, ARRIVALS, 1);
  }

  #countOf(clients: ClientCounts, key: NonNullable<ReturnType<typeof clientKey>>): number {
    const slots = Atomics.load(this.#memory.header, SLOTS);
    let count = 0;
    for (let slot = 0; slot < slots; slot++) count += clients.get(slot, key);
    return count;
  }
}
