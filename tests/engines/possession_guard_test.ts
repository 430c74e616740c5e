import assert from "node:assert/strict";
import { assertPossessionProven, isGuarded } from "../../src/engines/node/possession_guard.ts";
import * as x from "../support/certificates/certificate_builder.ts";

const ca = x.build({ subject: x.commonName("ca"), extensions: [x.basicConstraints(true)] });

Deno.test("assertPossessionProven() takes what Deno's TLS library parses, of every kind of key", () => {
  for (const key of ["P-256", "P-384", "P-521", "Ed25519", "RSA-2048"] as const) {
    assertPossessionProven(x.build({ subject: x.commonName("alice"), issuer: ca, key, extensions: [] }).der);
  }
});

Deno.test("assertPossessionProven() refuses certificates whose key Deno would not look at", () => {
  const first = x.build({ subject: x.commonName("alice"), issuer: ca });
  assert.throws(() => assertPossessionProven(first.der), /not of X.509 version 3/);
  // The outer length in three octets, where two do: BER, and for other parsers the same certificate.
  const ber = x.build({
    subject: x.commonName("alice"),
    issuer: ca,
    extensions: [],
    rewrite: (der) => x.concat([Uint8Array.of(0x30, 0x83, 0), der.subarray(2)]),
  });
  assert.equal(ber.der[1], 0x83);
  assert.throws(() => assertPossessionProven(ber.der), /not exact DER/);
});

Deno.test("isGuarded() finds that this version of Deno tells what is not exact DER", () => {
  assert.equal(isGuarded(ca.der), true);
});
