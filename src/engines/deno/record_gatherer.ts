/** Most plain bytes of a TLS record (RFC 8446 section 5.1). A read of the runtime never returns more. */
export const MAX_RECORD = 16 * 1024;
/** Four records are written to the backend at once. With more no gain could be measured. */
const GATHERED = 4 * MAX_RECORD;
/** How many microtasks a read of waiting data may take to settle. On Deno 2.9 it takes one. */
const SETTLING_TICKS = 3;
/** How many buffers are kept for later bulk transfers of this thread. */
const KEPT_BUFFERS = 16;

const spare: Uint8Array<ArrayBuffer>[] = [];
const PENDING: unique symbol = Symbol("pending");

/**
 * Gathers the records of a bulk transfer. Four writes of a record each cost the proxy and the application four system
 * calls and wake-ups, one of 64 KiB costs one. Only records that wait already are gathered, so that nothing is delayed.
 *
 * A read that was begun to see whether a record waits, and did not settle, becomes the first of the next call.
 */
export class RecordGatherer {
  readonly #read: (space: Uint8Array<ArrayBuffer>) => Promise<number | null>;
  #buffer = spare.pop() ?? new Uint8Array(GATHERED);
  /** The index at which the read that was begun ahead puts its bytes. */
  #at = 0;
  #ahead: Promise<number | null> | null = null;
  #drained = false;

  /** @param read fills the space with one record at most, and returns how many bytes; `null` is the end */
  constructor(read: (space: Uint8Array<ArrayBuffer>) => Promise<number | null>) {
    this.#read = read;
  }

  /** Whether the last chunk has emptied the socket. Then the transfer pauses, and a small buffer is enough. */
  get drained(): boolean {
    return this.#drained;
  }

  /** Reads the next chunk, which is valid until the next call; `null` is the end. */
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
        // What follows, even the end or a failure, is returned by the next call.
        this.#ahead = next;
        this.#at = to;
        return this.#buffer.subarray(from, to);
      }
    }
  }

  /** Gives the buffer to a later bulk transfer. To be called when the last chunk is not used any more. */
  release(): void {
    if (this.#ahead === null && spare.length < KEPT_BUFFERS) spare.push(this.#buffer);
  }

  #begin(at: number): Promise<number | null> {
    const reading = this.#read(this.#buffer.subarray(at, at + MAX_RECORD));
    // The next call awaits this read. Until then a failure must not count as unhandled.
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
