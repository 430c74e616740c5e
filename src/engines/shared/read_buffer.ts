/** Small enough that ten thousand idle connections stay cheap; a request line and its headers fit. */
const MIN_SIZE = 512;
/** Reads in a row that would have fitted in a buffer a sixteenth the size, before it shrinks. */
const SMALL_READS_TO_SHRINK = 32;

/**
 * A read buffer that follows the traffic: small while a connection is idle or chatty, large under load. A pending read
 * holds its buffer, so this is most of what an idle connection costs.
 */
export class ReadBuffer {
  #buffer: Uint8Array<ArrayBuffer>;
  #next: number;
  #smallReads = 0;

  /** @param max bytes that one read can return at most */
  constructor(readonly max: number) {
    this.#next = Math.min(MIN_SIZE, max);
    this.#buffer = new Uint8Array(this.#next);
  }

  /** Where the next read may put its bytes; what {@linkcode filled} returned before is overwritten. */
  space(): Uint8Array<ArrayBuffer> {
    if (this.#buffer.length !== this.#next) this.#buffer = new Uint8Array(this.#next);
    return this.#buffer;
  }

  /** The `count` bytes that a read has put there. */
  filled(count: number): Uint8Array<ArrayBuffer> {
    const size = this.#buffer.length;
    if (count === size) {
      this.#next = Math.min(size * 4, this.max);
      this.#smallReads = 0;
      return this.#buffer;
    }
    if (count > size >> 4) this.#smallReads = 0;
    else if (++this.#smallReads >= SMALL_READS_TO_SHRINK) {
      this.#next = Math.max(size >> 2, Math.min(MIN_SIZE, this.max));
      this.#smallReads = 0;
    }
    return this.#buffer.subarray(0, count);
  }
}
