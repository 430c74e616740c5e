import assert from "node:assert/strict";
import { readDer, readDerSequence, readObjectIdentifier } from "../../../src/tls/certificates/der.ts";

Deno.test("readDer() reads short and long lengths, and leaves what follows", () => {
  assert.deepEqual([...readDer(Uint8Array.of(4, 2, 7, 8, 9)).value], [7, 8]);
  const long = new Uint8Array(3 + 200).fill(1);
  long.set([4, 0x81, 200]);
  assert.equal(readDer(long).value.length, 200);
  assert.equal(readDer(Uint8Array.of(5, 0)).value.length, 0);
});

Deno.test("readDer() refuses what is cut short, indefinite, oversize or has a high tag", () => {
  for (
    const bytes of [[], [4], [4, 2, 7], [4, 0x81], [4, 0x80, 0, 0], [4, 0x84, 0, 0, 0, 1, 0], [0x1f, 1, 0], [4, 0xff]]
  ) {
    assert.throws(() => readDer(Uint8Array.from(bytes)), SyntaxError, JSON.stringify(bytes));
  }
});

Deno.test("readDerSequence() reads every element, or throws", () => {
  assert.deepEqual(readDerSequence(Uint8Array.of(4, 1, 7, 5, 0)).map(({ tag }) => tag), [4, 5]);
  assert.deepEqual(readDerSequence(new Uint8Array()), []);
  assert.throws(() => readDerSequence(Uint8Array.of(4, 1, 7, 5)), SyntaxError);
});

Deno.test("readObjectIdentifier() reads the dotted form", () => {
  assert.equal(readObjectIdentifier(Uint8Array.of(0x55, 0x1d, 0x11)), "2.5.29.17");
  assert.equal(readObjectIdentifier(Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d)), "1.2.840.113549");
  assert.equal(readObjectIdentifier(Uint8Array.of(0x88, 0x37)), "2.999");
});
