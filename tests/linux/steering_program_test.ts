import assert from "node:assert/strict";
import { clientProgram, type HashKey } from "../../src/linux/steering_program.ts";
import { seededRandom } from "../support/random.ts";

const KEY: HashKey = [0x9e3779b9, 0x7f4a7c15, 0xf39cc060, 0x5cedc835, 0xb5297a4d];
const OTHER_KEY: HashKey = [1, 2, 3, 4, 5];
const OWNERS = Array.from({ length: 256 }, (_, bucket) => bucket);

/** Runs a classic BPF program as the kernel does (linux/filter.h), on the words that it loads from an IP header. */
function run(program: Uint8Array, etherType: number, header: (offset: number) => number): number {
  const view = new DataView(program.buffer);
  const scratch = new Uint32Array(16);
  let accumulator = 0, x = 0;
  for (let at = 0, steps = 0; steps < 4096; at++, steps++) {
    const code = view.getUint16(at * 8, true);
    const ifTrue = view.getUint8(at * 8 + 2), ifFalse = view.getUint8(at * 8 + 3);
    const k = view.getUint32(at * 8 + 4, true);
    if (code === 0x20) accumulator = k === 0xfffff000 ? etherType : header(k - 0xfff00000);
    else if (code === 0x60) accumulator = scratch[k];
    else if (code === 0x02) scratch[k] = accumulator;
    else if (code === 0x07) x = accumulator;
    else if (code === 0x24) accumulator = Math.imul(accumulator, k) >>> 0;
    else if (code === 0x74) accumulator >>>= k;
    else if (code === 0xa4) accumulator = (accumulator ^ k) >>> 0;
    else if (code === 0xac) accumulator = (accumulator ^ x) >>> 0;
    else if (code === 0x05) at += k;
    else if (code === 0x15) at += accumulator === k ? ifTrue : ifFalse;
    else if (code === 0x35) at += accumulator >= k ? ifTrue : ifFalse;
    else if (code === 0x06) return k;
    else throw new Error(`unknown instruction ${code.toString(16)}`);
  }
  throw new Error("the program does not end");
}

const PROGRAMS = new Map([KEY, OTHER_KEY].map((key) => [key, clientProgram(OWNERS, key)]));

const ipv4 = (key: HashKey, address: number) =>
  run(PROGRAMS.get(key)!, 0x0800, (offset) => offset === 12 ? address : assert.fail(`offset ${offset}`));

const ipv6 = (key: HashKey, high: number, low: number) =>
  run(PROGRAMS.get(key)!, 0x86dd, (offset) => {
    if (offset === 8) return high;
    return offset === 12 ? low : assert.fail(`offset ${offset}: the interface identifier does not count`);
  });

/** How many of the buckets that `hash` fills are as full as chance would have it. */
function assertEven(hash: (index: number) => number): void {
  const counts = new Array(256).fill(0);
  for (let index = 0; index < 256 * 64; index++) counts[hash(index)]++;
  // 64 each, with a standard deviation of 8.
  assert.ok(Math.min(...counts) > 64 - 6 * 8 && Math.max(...counts) < 64 + 6 * 8, `${counts}`);
}

Deno.test("clientProgram() fills all buckets alike with neighbouring IPv4 addresses, in either byte", () => {
  assertEven((index) => ipv4(KEY, 0x0a000000 + index));
  assertEven((index) => ipv4(KEY, (index << 16) >>> 0));
});

Deno.test("clientProgram() fills all buckets alike with neighbouring IPv6 networks of 64 bits", () => {
  assertEven((index) => ipv6(KEY, 0x20010db8, index));
  assertEven((index) => ipv6(KEY, 0x20010000 + index, 0));
});

Deno.test("clientProgram() answers for the same client the same, and by another key otherwise", () => {
  const random = seededRandom(7);
  let same = 0;
  for (let index = 0; index < 512; index++) {
    const address = Math.floor(random() * 2 ** 32);
    assert.equal(ipv4(KEY, address), ipv4(KEY, address));
    if (ipv4(KEY, address) === ipv4(OTHER_KEY, address)) same++;
  }
  assert.ok(same < 16, `${same} of 512`);
});

Deno.test("clientProgram() refuses a number of buckets that is no power of two", () => {
  assert.throws(() => clientProgram([0, 1, 2], KEY), RangeError);
  assert.throws(() => clientProgram([0], KEY), RangeError);
});

Deno.test("clientProgram() fits into what the kernel takes, whoever owns the buckets", () => {
  // BPF_MAXINSNS
  assert.ok(clientProgram(OWNERS, KEY).length / 8 <= 4096);
});
