/**
 * Counts the bytes of each client in memory that does not grow, by the Space-Saving algorithm (Metwally, Agrawal, El
 * Abbadi 2005). The memory is shared: one worker writes it, and the main thread reads it.
 *
 * A table holds `capacity` clients. When it is full and a new client comes, the lightest client is forgotten, and its
 * weight becomes the `error` of the new one: the most bytes that may be missing of it. So every client that moved more
 * than `total / (7/8 × capacity)` bytes through this worker is in the table, and no client's error is above that.
 */

/** The numbers of one slot, by their index. */
const BYTES_IN = 0;
const BYTES_OUT = 1;
const ACTIVE = 2;
const OPENED = 3;
const ERROR = 4;
const SLOT = 5;

/** Bytes of a slot's name: its length, and the address. The longest is an IPv6 address with a zone. */
const NAME = 64;

/** One search finds the lightest eighth of the table. */
const SEARCH_SHARE = 8;

/** Bytes of shared memory for a table. */
export function clientTableSize(capacity: number): number {
  // Numbers of all slots and of the forgotten clients together, then a sequence number and a name for each slot.
  return (capacity + 1) * SLOT * 8 + capacity * (4 + NAME);
}

/** Maps the parts of a table onto its memory. */
function mapTable(buffer: SharedArrayBuffer, capacity: number) {
  const numbers = new Float64Array(buffer, 0, (capacity + 1) * SLOT);
  const sequences = new Int32Array(buffer, numbers.byteLength, capacity);
  const names = new Uint8Array(buffer, numbers.byteLength + sequences.byteLength, capacity * NAME);
  return { numbers, sequences, names };
}

/** The table as its worker writes it. */
export class ClientTable {
  readonly #numbers: Float64Array;
  readonly #sequences: Int32Array;
  readonly #names: Uint8Array;
  readonly #slots = new Map<string, number>();
  readonly #clients: string[] = [];
  /** Present connections of every client, in the table or not. There are no more entries than connections. */
  readonly #active = new Map<string, number>();
  #lightest: { slot: number; client: string; weight: number }[] = [];
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
    // A busy connection moves many chunks in a row.
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
    // The sequence number is odd while the slot changes. The reader compares it before and after reading.
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

  /** Frees the slot of the lightest client and returns it. The client's numbers are added to those of the forgotten. */
  #forget(): number {
    const { slot, client } = this.#findLightest();
    this.#slots.delete(client);
    const offset = slot * SLOT;
    const forgotten = this.capacity * SLOT;
    for (const part of [BYTES_IN, BYTES_OUT, OPENED]) this.#numbers[forgotten + part] += this.#numbers[offset + part];
    return slot;
  }

  /** Finds the lightest client. A search finds many at once, because it costs as much for many as for one. */
  #findLightest(): { slot: number; client: string } {
    for (;;) {
      const found = this.#lightest.pop();
      if (found === undefined) {
        const all = this.#clients.map((client, slot) => ({ slot, client, weight: this.#weight(slot) }));
        all.sort((a, b) => b.weight - a.weight);
        this.#lightest = all.slice(-Math.ceil(this.capacity / SEARCH_SHARE));
        continue;
      }
      // If it has become heavier since the search, or the slot is another client's, it may not be the lightest.
      if (this.#clients[found.slot] === found.client && this.#weight(found.slot) === found.weight) return found;
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
  /** Present connections. */
  active: number;
  /** Connections since the client is known. */
  opened: number;
  /** Most bytes that may be missing, from before the client was known. */
  error: number;
}

/** The table as the main thread reads it. */
export class ClientTableReader {
  readonly #numbers: Float64Array;
  readonly #sequences: Int32Array;
  readonly #names: Uint8Array;
  readonly #known: { sequence: number; client: string }[] = [];

  constructor(buffer: SharedArrayBuffer, private readonly capacity: number) {
    ({ numbers: this.#numbers, sequences: this.#sequences, names: this.#names } = mapTable(buffer, capacity));
  }

  /** Calls `visit` for each client. Returns the weight up to which a client may be missing from the table. */
  read(visit: (client: string, numbers: ClientNumbers) => void): number {
    let lightest = Infinity;
    for (let slot = 0; slot < this.capacity; slot++) {
      // Slots are filled in their order, so this one and all that follow are empty.
      if (Atomics.load(this.#sequences, slot) === 0) return 0;
      const read = this.#readSlot(slot);
      if (read === null) continue;
      const { client, numbers } = read;
      lightest = Math.min(lightest, numbers.bytesIn + numbers.bytesOut + numbers.error);
      visit(client, numbers);
    }
    return lightest;
  }

  /** The numbers of all clients together that were forgotten. `active` and `error` are 0. */
  get forgotten(): ClientNumbers {
    return this.#numbersAt(this.capacity * SLOT);
  }

  #readSlot(slot: number): { client: string; numbers: ClientNumbers } | null {
    // A write takes less than a microsecond. Only a worker that was ended within a write leaves the number odd.
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
    // If the slot changed meanwhile, its sequence number has changed, and this entry is never used.
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
