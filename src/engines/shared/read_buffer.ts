/**
 * Bytes of the smallest buffer: little for ten thousand idle connections, and enough for a request line with headers.
 */
const MIN_SIZE = 512;
/** After so many reads in a row that would have fitted into a sixteenth of the buffer, it shrinks. */
const SMALL_READS_TO_SHRINK = 32;

/**
 * A read buffer whose size follows the traffic: small while a connection is idle or its messages are short, large under
 * load. A pending read holds its buffer, which is most of the memory of an idle connection.
 */
export class ReadBuffer {
  private buffer: Uint8Array<ArrayBuffer>;
  private next: number;
  private smallReads = 0;

  /** @param max most bytes that one read can return */
  constructor(readonly max: number) {
    this.next = Math.min(MIN_SIZE, max);
    this.buffer = new Uint8Array(this.next);
  }

  /** Returns the space for the next read, which overwrites what {@linkcode filled} returned before. */
  space(): Uint8Array<ArrayBuffer> {
    if (this.buffer.length !== this.next) this.buffer = new Uint8Array(this.next);
    return this.buffer;
  }

  /** Returns the `count` bytes that a read has put into the space. */
  filled(count: number): Uint8Array<ArrayBuffer> {
    const size = this.buffer.length;
    if (count === size) {
      this.next = Math.min(size * 4, this.max);
      this.smallReads = 0;
      return this.buffer;
    }
    if (count > size >> 4) this.smallReads = 0;
    else if (++this.smallReads >= SMALL_READS_TO_SHRINK) {
      this.next = Math.max(size >> 2, Math.min(MIN_SIZE, this.max));
      this.smallReads = 0;
    }
    return this.buffer.subarray(0, count);
  }
}
