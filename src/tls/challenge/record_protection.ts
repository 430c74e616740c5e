import { createCipheriv, createDecipheriv } from "node:crypto";
import { Buffer } from "node:buffer";
import type { TrafficKeys } from "./key_schedule.ts";

/** TLS records (RFC 8446 section 5.1). */
export const RECORD = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 } as const;

const TAG_BYTES = 16;

/** A record without protection. */
export function plainRecord(type: number, content: Uint8Array): Uint8Array {
  return concat(header(type, content.length), content);
}

/** Protects the records of one direction, in their order (RFC 8446 section 5.2). */
export class Sealer {
  #sequence = 0;
  constructor(private readonly keys: TrafficKeys) {}

  seal(type: number, content: Uint8Array): Uint8Array {
    const head = header(RECORD.applicationData, content.length + 1 + TAG_BYTES);
    const cipher = createCipheriv("aes-128-gcm", this.keys.key, nonce(this.keys.iv, this.#sequence++));
    cipher.setAAD(head);
    return concat(head, cipher.update(concat(content, Uint8Array.of(type))), cipher.final(), cipher.getAuthTag());
  }
}

/** Opens the records of one direction, in their order. */
export class Opener {
  #sequence = 0;
  constructor(private readonly keys: TrafficKeys) {}

  /**
   * @param record with its header
   * @throws {Error} where it is not authentic, or empty
   */
  open(record: Uint8Array): { type: number; content: Uint8Array } {
    const body = record.subarray(5);
    if (body.length <= TAG_BYTES) throw new RangeError("Protected record is too short");
    const decipher = createDecipheriv("aes-128-gcm", this.keys.key, nonce(this.keys.iv, this.#sequence++));
    decipher.setAAD(record.subarray(0, 5));
    decipher.setAuthTag(body.subarray(body.length - TAG_BYTES));
    const inner = concat(decipher.update(body.subarray(0, body.length - TAG_BYTES)), decipher.final());
    let end = inner.length - 1;
    while (end >= 0 && inner[end] === 0) end--;
    if (end < 0) throw new RangeError("Protected record has no content type");
    return { type: inner[end], content: inner.subarray(0, end) };
  }
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function header(type: number, length: number): Uint8Array {
  return Uint8Array.of(type, 3, 3, length >> 8, length & 0xff);
}

/** There are few records, so that the sequence number fits into the last four bytes. */
function nonce(iv: Uint8Array, sequence: number): Uint8Array {
  const bytes = iv.slice();
  for (let i = 0; i < 4; i++) bytes[11 - i] ^= sequence >>> (8 * i) & 0xff;
  return bytes;
}
