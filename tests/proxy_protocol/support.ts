/** What the tests of this folder share. */
import { parseProxyHeader } from "../../src/proxy_protocol/parse.ts";
import type { ParseResult } from "../../src/proxy_protocol/parse_result.ts";
import type { ProxyHeader } from "../../src/proxy_protocol/proxy_header.ts";
import { ProxyHeaderError } from "../../src/proxy_protocol/proxy_header_error.ts";

export const SIGNATURE = "0d0a0d0a000d0a515549540a";

/** The bytes of hexadecimal digits; white space between them is free. */
export function hex(digits: string): Uint8Array {
  const compact = digits.replace(/\s/g, "");
  return Uint8Array.from(
    { length: compact.length / 2 },
    (_, index) => parseInt(compact.slice(2 * index, 2 * index + 2), 16),
  );
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** One byte for each character. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** A version 2 header whose length is right. */
export function v2(command: number, family: number, block: Uint8Array): Uint8Array {
  return concat(hex(SIGNATURE), Uint8Array.of(command, family, block.length >> 8, block.length & 0xff), block);
}

export function tlv(type: number, value: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(type, value.length >> 8, value.length & 0xff), value);
}

/** 127.0.0.1:42 to 127.0.0.1:1337. */
export const INET_BLOCK: Uint8Array = hex("7f000001 7f000001 002a 0539");

/** The header of bytes that hold a whole one. */
export function parsed(bytes: Uint8Array, limit?: number): { length: number; header: ProxyHeader } {
  const result = parseProxyHeader(bytes, limit);
  if (result.kind !== "done") throw new Error(`incomplete: ${toHex(bytes)}`);
  return result;
}

/** The reason for which bytes are refused, or what they are parsed to. */
export function outcome(bytes: Uint8Array, limit?: number): string {
  let result: ParseResult;
  try {
    result = parseProxyHeader(bytes, limit);
  } catch (error) {
    if (error instanceof ProxyHeaderError) return error.reason;
    throw error;
  }
  return result.kind;
}

/** Numbers that are the same in each run (mulberry32). */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }

  /** An integer from 0 to `end` - 1. */
  below(end: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor(((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32 * end);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)];
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }

  text(length: number): string {
    return Array.from({ length }, () => this.pick(["a", "Z", "-", ".", "0", "ß", "€", "𝄞"])).join("");
  }
}
