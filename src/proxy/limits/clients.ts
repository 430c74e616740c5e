import ipaddr from "ipaddr.js";
import { ENTRY } from "./memory.ts";

/**
 * A client as the limits count it: an IPv4 address, or the /64 of an IPv6 address, all of which one client may have.
 */
interface ClientKey {
  family: 4 | 6;
  high: number;
  low: number;
}

/** Returns the key of a client; `null` for one on a Unix socket, which has no address. */
export function clientKey(hostname: string): ClientKey | null {
  if (!ipaddr.isValid(hostname)) return null;
  const address = ipaddr.process(hostname);
  if (address instanceof ipaddr.IPv4) {
    const [a, b, c, d] = address.octets;
    return { family: 4, high: 0, low: a << 24 | b << 16 | c << 8 | d };
  }
  const [a, b, c, d] = address.parts;
  return { family: 6, high: a << 16 | b, low: c << 16 | d };
}

/**
 * Counts connections in shared memory, for each client in each worker, in a hash table with open addressing and linear
 * probing. To be used under the lock only.
 */
export class ClientCounts {
  readonly #words: Int32Array;
  readonly #mask: number;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#mask = words.length / ENTRY - 1;
  }

  get(slot: number, key: ClientKey): number {
    const at = this.#find(slot, key);
    return at < 0 ? 0 : this.#words[at];
  }

  /** Returns `false` where the table is full. */
  add(slot: number, key: ClientKey): boolean {
    const at = this.#find(slot, key);
    if (at < 0) return false;
    this.#words[at]++;
    this.#words[at + 1] = mark(slot, key);
    this.#words[at + 2] = key.high;
    this.#words[at + 3] = key.low;
    return true;
  }

  remove(slot: number, key: ClientKey): void {
    const at = this.#find(slot, key);
    if (at < 0 || this.#words[at] === 0) return;
    if (--this.#words[at] === 0) this.#close(at);
  }

  /** Forgets all clients of a worker. */
  removeAll(slot: number): void {
    for (let at = 0; at < this.#words.length;) {
      // Closing the gap may move another entry to this index, which is looked at next.
      if (this.#words[at] !== 0 && this.#words[at + 1] >>> 3 === slot) this.#close(at);
      else at += ENTRY;
    }
    // An entry may have moved from the beginning of the table across its end to an index that was passed already.
    for (let at = 0; at < this.#words.length; at += ENTRY) {
      if (this.#words[at] !== 0 && this.#words[at + 1] >>> 3 === slot) return this.removeAll(slot);
    }
  }

  /** Returns the index at which the entry is, or would be; -1 where the table is full. */
  #find(slot: number, key: ClientKey): number {
    const wanted = mark(slot, key);
    const start = hash(wanted, key.high, key.low) & this.#mask;
    for (let probe = 0; probe <= this.#mask; probe++) {
      const at = (start + probe & this.#mask) * ENTRY;
      const words = this.#words;
      if (words[at] === 0) return at;
      if (words[at + 1] === wanted && words[at + 2] === key.high && words[at + 3] === key.low) return at;
    }
    return -1;
  }

  /** Removes an entry, and moves entries that were put further on because of it (Knuth, volume 3, algorithm 6.4R). */
  #close(gap: number): void {
    const words = this.#words;
    const mask = this.#mask;
    let free = gap / ENTRY;
    words[gap] = 0;
    for (let next = free + 1 & mask; words[next * ENTRY] !== 0; next = next + 1 & mask) {
      const at = next * ENTRY;
      const home = hash(words[at + 1], words[at + 2], words[at + 3]) & mask;
      if ((next - home & mask) < (next - free & mask)) continue;
      words.copyWithin(free * ENTRY, at, at + ENTRY);
      words[at] = 0;
      free = next;
    }
  }
}

function mark(slot: number, { family }: ClientKey): number {
  return slot << 3 | family;
}

/** MurmurHash3's finaliser, over three words. */
function hash(a: number, b: number, c: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca77) ^ Math.imul(c, 0xc2b2ae3d);
  h = Math.imul(h ^ h >>> 16, 0x85ebca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35);
  return (h ^ h >>> 16) >>> 0;
}
