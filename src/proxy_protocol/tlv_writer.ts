const encoder = new TextEncoder();

/**
 * Writes type-length-value vectors (section 2.2) into a buffer, up to a limit. A TLV that does not fit is not written
 * at all. Lengths cannot overflow their 16 bits, because the limit is at most 65551 and the fixed part comes first.
 */
export class TlvWriter {
  /** The index of the next byte. */
  at: number;
  readonly #out: Uint8Array;
  readonly #limit: number;

  constructor(out: Uint8Array, at: number, limit: number) {
    this.#out = out;
    this.at = at;
    this.#limit = limit;
  }

  /** Appends a TLV. Returns false where `value` has more than `max` bytes or does not fit. */
  bytes(type: number, value: Uint8Array, max: number): boolean {
    if (value.length > max || this.at + 3 + value.length > this.#limit) return false;
    this.#head(type, value.length);
    this.#out.set(value, this.at);
    this.at += value.length;
    return true;
  }

  /** Appends a TLV of UTF-8 text. Returns false where it has more than `max` bytes or does not fit. */
  text(type: number, value: string, max: number): boolean {
    const start = this.at + 3;
    const room = Math.min(max, this.#limit - start);
    if (value.length > room) return false;
    const { read, written } = encoder.encodeInto(value, this.#out.subarray(start, start + room));
    if (read < value.length) return false;
    this.#head(type, written);
    this.at = start + written;
    return true;
  }

  /** Starts a TLV in which others are nested. Returns false where not even `least` bytes of its value fit. */
  open(type: number, least: number): boolean {
    if (this.at + 3 + least > this.#limit) return false;
    this.#head(type, 0);
    return true;
  }

  /** Ends the TLV that was opened at `start`. */
  close(start: number): void {
    this.uint16(start + 1, this.at - start - 3);
  }

  push(byte: number): void {
    this.#out[this.at++] = byte;
  }

  pushUint32(value: number): void {
    this.uint32(this.at, value);
    this.at += 4;
  }

  uint16(at: number, value: number): void {
    this.#out[at] = value >>> 8;
    this.#out[at + 1] = value & 0xff;
  }

  uint32(at: number, value: number): void {
    this.uint16(at, value >>> 16);
    this.uint16(at + 2, value & 0xffff);
  }

  #head(type: number, length: number): void {
    this.#out[this.at] = type;
    this.uint16(this.at + 1, length);
    this.at += 3;
  }
}
