/**
 * The memory that the limits of one listener live in, shared by all workers. Whatever a worker takes is in a column or under
 * a mark of its own, so that the main thread can give it back when the worker has died.
 */

/** Workers that may live at once, of all generations. */
export const MAX_SLOTS = 1024;

/** Places in the header, in words of 32 bits. */
const LOCK = 0;
export const CONNECTIONS = 1;
export const PER_CLIENT = 2;
export const HANDSHAKES_PER_SECOND = 3;
/** Connections now, over all workers. */
export const TOTAL = 4;
/** Changes when somebody who waits should look again. */
export const WAKE = 5;
/** Columns in use, from the first on. */
export const SLOTS = 6;
/** Connections since the start, over all workers; it may wrap. */
export const ARRIVALS = 7;
/** The time at which the next handshake is due (a double, in milliseconds). */
const NEXT_HANDSHAKE_BYTE = 8 * 4;
const COLUMNS = 16;

/** Of one client in one worker: count, worker and family, and 64 bits of the address. */
const ENTRY = 4;

export interface LimitsMemory {
  header: Int32Array<SharedArrayBuffer>;
  nextHandshakeMs: Float64Array<SharedArrayBuffer>;
  /** Connections of each worker. */
  columns: Int32Array<SharedArrayBuffer>;
  /** An open-addressing hash table of entries; empty where clients are not limited. */
  clients: Int32Array<SharedArrayBuffer>;
}

/** What a worker is given of it. */
export interface LimitsGrant {
  counts: SharedArrayBuffer;
  /** `null` where clients are not limited. */
  clients: SharedArrayBuffer | null;
}

export function allocateCounts(): SharedArrayBuffer {
  return new SharedArrayBuffer((COLUMNS + MAX_SLOTS) * 4);
}

/** @param connections as many as there can be at once, in all workers */
export function allocateClients(connections: number): SharedArrayBuffer {
  // At most two thirds full. Pages that nothing was written to cost nothing.
  return new SharedArrayBuffer(2 ** Math.ceil(Math.log2(connections * 1.5)) * ENTRY * 4);
}

export function mapLimits({ counts, clients }: LimitsGrant): LimitsMemory {
  return {
    header: new Int32Array(counts, 0, COLUMNS),
    nextHandshakeMs: new Float64Array(counts, NEXT_HANDSHAKE_BYTE, 1),
    columns: new Int32Array(counts, COLUMNS * 4, MAX_SLOTS),
    clients: new Int32Array(clients ?? new SharedArrayBuffer(0)),
  };
}

/** Spins before the thread sleeps: what is done under the lock takes a microsecond. */
const SPINS = 100;
const SLEEP_MS = 1;

/** Does `work` while nobody else changes what the lock protects. */
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

/** The lock of a worker that has died is open again. */
export function breakLock(header: Int32Array<SharedArrayBuffer>, slot: number): void {
  Atomics.compareExchange(header, LOCK, slot + 1, 0);
}
