/**
 * The shared memory of one listener's limits. Everything that a worker takes is counted in a column or an entry of its
 * own, so that the main thread can give it back when the worker has died.
 */

/** How many workers of all generations may be alive at once. */
export const MAX_SLOTS = 1024;

/** Indexes in the header, in words of 32 bits. */
const LOCK = 0;
export const CONNECTIONS = 1;
export const PER_CLIENT = 2;
export const HANDSHAKES_PER_SECOND = 3;
/** The number of present connections of all workers. */
export const TOTAL = 4;
/** A number that changes when waiters have to check again. */
export const WAKE = 5;
/** How many columns are in use, from the first one on. */
export const SLOTS = 6;
/** The number of connections of all workers since the start, which may wrap. */
export const ARRIVALS = 7;
/** The time at which the next handshake is due (a double, in milliseconds). */
const NEXT_HANDSHAKE_BYTE = 8 * 4;
const COLUMNS = 16;

/** Words of the entry of one client in one worker: the count, worker and family, and 64 bits of the address. */
export const ENTRY = 4;

export interface LimitsMemory {
  header: Int32Array<SharedArrayBuffer>;
  nextHandshakeMs: Float64Array<SharedArrayBuffer>;
  /** The number of connections of each worker. */
  columns: Int32Array<SharedArrayBuffer>;
  /** A hash table of entries with open addressing; empty where clients are not limited. */
  clients: Int32Array<SharedArrayBuffer>;
}

/** The memory as it is posted to a worker. */
export interface LimitsBuffers {
  counts: SharedArrayBuffer;
  /** `null` where clients are not limited. */
  clients: SharedArrayBuffer | null;
}

export function allocateCounts(): SharedArrayBuffer {
  return new SharedArrayBuffer((COLUMNS + MAX_SLOTS) * 4);
}

/** @param connections how many there can be at once in all workers */
export function allocateClients(connections: number): SharedArrayBuffer {
  // The table is two thirds full at most. Pages that nothing was written to take no memory.
  return new SharedArrayBuffer(2 ** Math.ceil(Math.log2(connections * 1.5)) * ENTRY * 4);
}

export function mapLimits({ counts, clients }: LimitsBuffers): LimitsMemory {
  return {
    header: new Int32Array(counts, 0, COLUMNS),
    nextHandshakeMs: new Float64Array(counts, NEXT_HANDSHAKE_BYTE, 1),
    columns: new Int32Array(counts, COLUMNS * 4, MAX_SLOTS),
    clients: new Int32Array(clients ?? new SharedArrayBuffer(0)),
  };
}

/** How often the thread tries before it sleeps. Work under the lock takes a microsecond. */
const SPINS = 100;
const SLEEP_MS = 1;

/** Does `work` under the lock. */
export function locked<T>(header: Int32Array<SharedArrayBuffer>, slot: number, work: () => T): T {
  for (let spins = 0; Atomics.compareExchange(header, LOCK, 0, slot + 1) !== 0; spins++) {
    if (spins > SPINS) Atomics.wait(header, LOCK, Atomics.load(header, LOCK), SLEEP_MS);
  }
  try {
    return work();
  } finally {
    Atomics.store(header, LOCK, 0);
  }
}

/** Opens the lock where a worker that has died holds it. */
export function breakLock(header: Int32Array<SharedArrayBuffer>, slot: number): void {
  Atomics.compareExchange(header, LOCK, slot + 1, 0);
}
