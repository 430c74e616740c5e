/**
 * Who moves how much, in memory that does not grow: the Space-Saving algorithm (Metwally, Agrawal, El Abbadi 2005) over
 * bytes, in shared memory that one worker writes and the main thread reads.
 *
 * A table holds `capacity` clients. When a new one comes and it is full, the lightest is forgotten and its weight becomes
 * the newcomer's `error`: the most that may have been missed of the newcomer. So every client that moved more than
 * `total / (7/8 × capacity)` bytes through this worker is in the table, and nobody's error is above that.
 */

/** Numbers of one slot. */
const BYTES_IN = 0;
const BYTES_OUT = 1;
const ACTIVE = 2;
const OPENED = 3;
const ERROR = 4;
const SLOT = 5;

/** Longest address kept: an IPv6 address with a zone. */
const NAME = 64;

/** Victims found by one search; the lightest eighth of the table. */
const VICTIM_SHARE = 8;

/** Bytes of shared memory for a table. */
export function clientTableSize(capacity: number): number {
  // The numbers of all slots and of the forgotten; a sequence number and a name for each slot.
  return (capacity + 1) * SLOT * 8 + capacity * (4 + NAME);
}

/** The parts of a table. */
function mapTable(buffer: SharedArrayBuffer, capacity: number) {
  const numbers = new Float64Array(buffer, 0, (capacity + 1) * SLOT);
  const sequences = new Int32Array(buffer, numbers.byteLength, capacity);
  const names = new Uint8Array(buffer, numbers.byteLength + sequences.byteLength, capacity * NAME);
  return { numbers, sequences, names };
}

/** The writing side. */
export class ClientTable {
  readonly #numbers: Float64Array;
  readonly #sequences: Int32Array;
  readonly #names: Uint8Array;
  readonly #slots = new Map<string, number>();
  readonly #clients: string[] = [];
  /** Connections now of every client, in the table or not; as many entries as connections at most. */
  readonly #active = new Map<string, number>();
  #victims: { slot: number; client: string; weight: number }[] = [];
  #lastClient: string | null = null;
  #lastOffset = 0;

  constructor(buffer: SharedArrayBuffer, private readonly capacity: number) {
    ({ numbers: this.#numbers, sequences: this.#sequences, names: this.#names } = mapTable(buffer, capacity));
  }

  opened(client: string): void {
    const active = (this.#active.get(client) ?? 0) + 1;
    this.#active.set(client, active);
    const offset = this.#offset(client);
    this.#numbers[offset + OPENED]++;
    this.#numbers[offset + ACTIVE] = active;
  }

  closed(client: string): void {
    const active = (this.#active.get(client) ?? 1) - 1;
    if (active > 0) this.#active.set(client, active);
    else this.#active.delete(client);
    const slot = this.#slots.get(client);
    if (slot !== undefined) this.#numbers[slot * SLOT + ACTIVE] = active;
  }

  bytesIn(client: string, count: number): void {
    this.#numbers[this.#offset(client) + BYTES_IN] += count;
  }

  bytesOut(client: string, count: number): void {
    this.#numbers[this.#offset(client) + BYTES_OUT] += count;
  }

  #offset(client: string): number {
    // The bytes of a busy connection come in a row.
    if (client === this.#lastClient) return this.#lastOffset;
    const slot = this.#slots.get(client) ?? this.#insert(client);
    this.#lastClient = client;
    return this.#lastOffset = slot * SLOT;
  }

  #insert(client: string): number {
    const free = this.#clients.length < this.capacity;
    const slot = free ? this.#clients.length : this.#forget();
    const offset = slot * SLOT;
    const error = free ? 0 : this.#weight(slot);
    // Odd while it changes: the reader looks before and after.
    Atomics.add(this.#sequences, slot, 1);
    this.#numbers.fill(0, offset, offset + SLOT);
    this.#numbers[offset + ERROR] = error;
    this.#numbers[offset + ACTIVE] = this.#active.get(client) ?? 0;
    const length = Math.min(client.length, NAME - 1);
    this.#names[slot * NAME] = length;
    for (let i = 0; i < length; i++) this.#names[slot * NAME + 1 + i] = client.charCodeAt(i);
    Atomics.add(this.#sequences, slot, 1);
    this.#clients[slot] = client;
    this.#slots.set(client, slot);
    return slot;
  }

  /** Makes room: the slot of the lightest client, whose exact numbers go to the forgotten. */
  #forget(): number {
    const { slot, client } = this.#victim();
    this.#slots.delete(client);
    const offset = slot * SLOT;
    const forgotten = this.capacity * SLOT;
    for (const part of [BYTES_IN, BYTES_OUT, OPENED]) this.#numbers[forgotten + part] += this.#numbers[offset + part];
    return slot;
  }

  /** Finds the lightest ones together, as a search costs as much for one as for many. */
  #victim(): { slot: number; client: string } {
    for (;;) {
      const victim = this.#victims.pop();
      if (victim === undefined) {
        const all = this.#clients.map((client, slot) => ({ slot, client, weight: this.#weight(slot) }));
        all.sort((a, b) => b.weight - a.weight);
        this.#victims = all.slice(-Math.ceil(this.capacity / VICTIM_SHARE));
        continue;
      }
      // Heavier since, or another's already: it may no longer be among the lightest.
      if (this.#clients[victim.slot] === victim.client && this.#weight(victim.slot) === victim.weight) return victim;
    }
  }

  #weight(slot: number): number {
    const offset = slot * SLOT;
    return this.#numbers[offset + BYTES_IN] + this.#numbers[offset + BYTES_OUT] + this.#numbers[offset + ERROR];
  }
}

/** One client's numbers. */
export interface ClientNumbers {
  bytesIn: number;
  bytesOut: number;
  /** Connections now. */
  active: number;
  /** Connections since it is known. */
  opened: number;
  /** Bytes that may have been missed, at most, before it was known. */
  error: number;
}

/** The reading side. */
export class ClientTableReader {
  readonly #numbers: Float64Array;
  readonly #sequences: Int32Array;
  readonly #names: Uint8Array;
  readonly #known: { sequence: number; client: string }[] = [];

  constructor(buffer: SharedArrayBuffer, private readonly capacity: number) {
    ({ numbers: this.#numbers, sequences: this.#sequences, names: this.#names } = mapTable(buffer, capacity));
  }

  /** Calls `visit` for each client. Returns the weight below which the table may know nothing of a client. */
  read(visit: (client: string, numbers: ClientNumbers) => void): number {
    let lightest = Infinity;
    for (let slot = 0; slot < this.capacity; slot++) {
      // Slots fill from the first on.
      if (Atomics.load(this.#sequences, slot) === 0) return 0;
      const read = this.#readSlot(slot);
      if (read === null) continue;
      const { client, numbers } = read;
      lightest = Math.min(lightest, numbers.bytesIn + numbers.bytesOut + numbers.error);
      visit(client, numbers);
    }
    return lightest;
  }

  /** What the table has forgotten, all clients together; `active` and `error` are 0. */
  get forgotten(): ClientNumbers {
    return this.#numbersAt(this.capacity * SLOT);
  }

  #readSlot(slot: number): { client: string; numbers: ClientNumbers } | null {
    // The writer takes less than a microsecond; only a worker that was ended right there stays in the middle.
    for (let attempt = 0; attempt < 10_000; attempt++) {
      const sequence = Atomics.load(this.#sequences, slot);
      if (sequence % 2 !== 0) continue;
      const client = this.#client(slot, sequence);
      const numbers = this.#numbersAt(slot * SLOT);
      if (Atomics.load(this.#sequences, slot) === sequence) return { client, numbers };
    }
    return null;
  }

  #client(slot: number, sequence: number): string {
    const known = this.#known[slot];
    if (known?.sequence === sequence) return known.client;
    const start = slot * NAME + 1;
    const client = String.fromCharCode(...this.#names.subarray(start, start + this.#names[start - 1]));
    // Not kept if it was torn: the sequence is another then.
    this.#known[slot] = { sequence, client };
    return client;
  }

  #numbersAt(offset: number): ClientNumbers {
    const numbers = this.#numbers;
    return {
      bytesIn: numbers[offset + BYTES_IN],
      bytesOut: numbers[offset + BYTES_OUT],
      active: numbers[offset + ACTIVE],
      opened: numbers[offset + OPENED],
      error: numbers[offset + ERROR],
    };
  }
}
