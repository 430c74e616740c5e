import { ClientCounts, clientKey } from "./clients.ts";
import {
  ARRIVALS,
  CONNECTIONS,
  HANDSHAKES_PER_SECOND,
  type LimitsBuffers,
  type LimitsMemory,
  locked,
  mapLimits,
  PER_CLIENT,
  SLOTS,
  TOTAL,
  WAKE,
} from "./memory.ts";

/** How much earlier than its due time a handshake may begin where connections can wait, which allows a small burst. */
const BURST_MS = 100;
/**
 * Where connections cannot wait, one that comes too early is refused, so the handshakes of a whole second may burst.
 */
const WINDOW_MS = 1000;

/** Keeps the limits of one listener for one worker. The counts are exact over all workers. */
export class Limits {
  readonly #memory: LimitsMemory;
  readonly #clients: ClientCounts | null;
  readonly #slot: number;

  /** @param slot the worker's column, which no other worker that is alive has */
  constructor(buffers: LimitsBuffers, slot: number) {
    this.#memory = mapLimits(buffers);
    this.#clients = buffers.clients === null ? null : new ClientCounts(this.#memory.clients);
    this.#slot = slot;
  }

  /** Whether a connection may have to wait before it is accepted. */
  get waits(): boolean {
    const { header } = this.#memory;
    return Atomics.load(header, CONNECTIONS) > 0 || Atomics.load(header, HANDSHAKES_PER_SECOND) > 0;
  }

  /** Takes a slot for a connection, if there is one. */
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

  /** Takes a slot even if there is none, because the connection is accepted already. */
  take(): void {
    Atomics.add(this.#memory.header, TOTAL, 1);
    this.#count();
  }

  /** Gives a slot back. */
  giveBack(): void {
    Atomics.sub(this.#memory.columns, this.#slot, 1);
    Atomics.sub(this.#memory.header, TOTAL, 1);
    if (Atomics.load(this.#memory.header, CONNECTIONS) > 0) this.wake();
  }

  /** Lets every waiter check again. */
  wake(): void {
    Atomics.add(this.#memory.header, WAKE, 1);
    Atomics.notify(this.#memory.header, WAKE);
  }

  /**
   * Takes a slot as soon as there is one.
   * @param givenUp checked each time; where it is true, waiting ends without a slot
   * @param full called each time that there is no slot
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

  /** Returns the milliseconds until the next handshake may begin, and counts that handshake. */
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

  /** Whether a handshake may begin now. If so, it is counted. */
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

  /** Counts a connection of a client, if the client may have one more. */
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

  /** Ends the counting of a client's connection. */
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
