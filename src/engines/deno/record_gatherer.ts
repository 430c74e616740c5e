/** One TLS record's plain text (RFC 8446 section 5.1): a read of the runtime never returns more. */
export const MAX_RECORD = 16 * 1024;
/** Four records go to the backend in one write; more gains nothing that could be measured. */
const GATHERED = 4 * MAX_RECORD;
/** Microtasks that a read of waiting data may take to settle: one on Deno 2.9, with room for its successors. */
const SETTLING_TICKS = 3;
/** Buffers kept for the next bulk transfer of this thread. */
const KEPT_BUFFERS = 16;

const spare: Uint8Array<ArrayBuffer>[] = [];
const PENDING: unique symbol = Symbol("pending");

/**
 * Gathers the records of a bulk transfer. Four writes of a record each cost the proxy and the application as many system
 * calls and wake-ups; one of 64 KiB costs one. Only records that wait already are gathered: nothing is held back.
 *
 * A read that was begun to look and did not settle is kept, and is the next one's first.
 */
export class RecordGatherer {
  readonly #read: (space: Uint8Array<ArrayBuffer>) => Promise<number | null>;
  #buffer = spare.pop() ?? new Uint8Array(GATHERED);
  /** Where the read begun ahead puts its bytes. */
  #at = 0;
  #ahead: Promise<number | null> | null = null;
  #drained = false;

  /** @param read fills the space with at most a record; `null` is the end */
  constructor(read: (space: Uint8Array<ArrayBuffer>) => Promise<number | null>) {
    this.#read = read;
  }

  /** The last chunk emptied the socket: the transfer pauses, and a small buffer does again. */
  get drained(): boolean {
    return this.#drained;
  }

  /** The next chunk, valid until the next call; `null` is the end. */
  async read(): Promise<Uint8Array | null> {
    const from = this.#ahead === null ? 0 : this.#at;
    let next = this.#ahead ?? this.#begin(from);
    this.#ahead = null;
    let to = from;
    for (;;) {
      const count = await next;
      if (count === null) return null;
      to += count;
      this.#drained = count < MAX_RECORD;
      if (this.#drained || to + MAX_RECORD > GATHERED) return this.#buffer.subarray(from, to);
      next = this.#begin(to);
      const settled = await settledSoon(next);
      if (settled === null || settled === PENDING) {
        // What follows, if only the end or a failure, is the next call's to tell.
        this.#ahead = next;
        this.#at = to;
        return this.#buffer.subarray(from, to);
      }
    }
  }

  /** Gives the buffer to the next bulk transfer; only once its last chunk is done with. */
  release(): void {
    if (this.#ahead === null && spare.length < KEPT_BUFFERS) spare.push(this.#buffer);
  }

  #begin(at: number): Promise<number | null> {
    const reading = this.#read(this.#buffer.subarray(at, at + MAX_RECORD));
    // Whoever awaits it hears of a failure; until then it must not count as unhandled.
    reading.catch(() => {});
    return reading;
  }
}

async function settledSoon<T>(promise: Promise<T>): Promise<T | null | typeof PENDING> {
  let outcome: T | null | typeof PENDING = PENDING;
  promise.then((value) => outcome = value, () => outcome = null);
  for (let tick = 0; tick < SETTLING_TICKS && outcome === PENDING; tick++) await null;
  return outcome;
}
