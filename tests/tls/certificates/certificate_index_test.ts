import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { CertificateIndex } from "../../../src/tls/certificates/certificate_index.ts";
import { type CertificateNeeds, needsOf } from "../../../src/tls/certificates/certificate_needs.ts";
import type { ClientHello } from "../../../src/tls/client_hello.ts";
import { makeCertificate } from "../make_certificates.ts";

const EC: CertificateNeeds = needsOf(
  { asymmetricKeyType: "ec", asymmetricKeyDetails: { namedCurve: "prime256v1" } },
  [],
);
const EC384: CertificateNeeds = needsOf(
  { asymmetricKeyType: "ec", asymmetricKeyDetails: { namedCurve: "secp384r1" } },
  [],
);
const ED: CertificateNeeds = needsOf({ asymmetricKeyType: "ed25519" }, []);
const RSA: CertificateNeeds = needsOf({ asymmetricKeyType: "rsa" }, []);

type Entry = [names: string[], needs?: CertificateNeeds];

function index(entries: Entry[], strict = false, speaks13 = true): CertificateIndex {
  return new CertificateIndex(entries.map(([names, needs = EC]) => ({ names, needs })), { strict, speaks13 });
}

/** By the name alone. */
function finder(names: string[][], strict: boolean): (name: string | null | undefined | false) => number | null {
  const certificates = index(names.map((each) => [each]), strict);
  return (name) => certificates.choose(name, null);
}

/** A client that can do everything. */
function hello(changes: Partial<ClientHello> = {}): ClientHello {
  return {
    serverName: null,
    alpn: [],
    versions: [0x0304, 0x0303],
    signatureAlgorithms: [0x0403, 0x0503, 0x0807, 0x0804, 0x0401],
    certificateSignatureAlgorithms: null,
    cipherSuites: [0x1301, 0xc02b, 0xc02f],
    groups: [29, 23, 24],
    ...changes,
  };
}

const NAMES = [["a.example"], ["*.b.example", "c.b.example"], ["b.example", "*.c.b.example", "x.b.example"]];

Deno.test("CertificateIndex finds exact names before wildcards, whatever their order", () => {
  const find = finder(NAMES, false);
  assert.equal(find("a.example"), 0);
  assert.equal(find("c.b.example"), 1);
  assert.equal(find("x.b.example"), 2);
  assert.equal(find("y.b.example"), 1);
  assert.equal(find("y.c.b.example"), 2);
  assert.equal(find("b.example"), 2);
});

Deno.test("CertificateIndex ignores case and the root's dot", () => {
  const find = finder(NAMES, true);
  assert.equal(find("X.B.Example"), 2);
  assert.equal(find("y.b.example."), 1);
});

Deno.test("CertificateIndex has a wildcard stand for exactly one label", () => {
  const find = finder([["z.example"], ["*.b.example"]], true);
  assert.equal(find("y.b.example"), 1);
  for (const name of ["x.y.b.example", "b.example", ".b.example", "*.example", "yb.example"]) {
    assert.equal(find(name), null, name);
  }
});

Deno.test("CertificateIndex gives the first certificate for no name, and null for an unknown one where strict", () => {
  const lenient = finder(NAMES, false);
  const strict = finder(NAMES, true);
  for (const find of [lenient, strict]) {
    for (const none of ["", null, undefined, false] as const) assert.equal(find(none), 0);
  }
  for (const unknown of ["z.example", "example", "constructor", "__proto__", ".", "a.example\0", "b".repeat(5000)]) {
    assert.equal(lenient(unknown), 0);
    assert.equal(strict(unknown), null);
  }
  assert.equal(index([]).choose("a.example", null), null);
});

Deno.test("CertificateIndex prefers the earlier of two certificates for one name", () => {
  assert.equal(finder([["b.example"], ["a.example"], ["a.example"]], true)("a.example"), 1);
});

Deno.test("CertificateIndex takes an address for no name, and knows nothing that is no host", () => {
  const [find, strict] = [false, true].map((strict) => finder([["default.example"], ["*.wild.example"]], strict));
  assert.equal(find("a.wild.example"), 1);
  for (const address of ["192.0.2.1", "::1", "2001:db8::1"]) assert.deepEqual([find(address), strict(address)], [0, 0]);
  for (
    const name of [
      "*.wild.example",
      "x,y.wild.example",
      "a b.wild.example",
      "-.wild.example",
      "*",
      "..",
      "a\0.wild.example",
    ]
  ) {
    assert.deepEqual([find(name), strict(name)], [0, null], name);
  }
});

Deno.test("CertificateIndex gives each client a certificate of the name whose key it can use, ECDSA first", () => {
  const find = index([[["a.example"], RSA], [["a.example"], ED], [["a.example"], EC]]);
  assert.equal(find.needsHello, true);
  const chosen = (changes: Partial<ClientHello>) => find.choose("a.example", hello(changes));
  assert.equal(chosen({}), 2);
  assert.equal(chosen({ signatureAlgorithms: [0x0804, 0x0403] }), 2);
  assert.equal(chosen({ signatureAlgorithms: [0x0804, 0x0807] }), 1);
  assert.equal(chosen({ signatureAlgorithms: [0x0804, 0x0503] }), 0, "ECDSA of another curve");
  // PKCS #1 does not sign a handshake of TLS 1.3.
  assert.equal(chosen({ signatureAlgorithms: [0x0401, 0x0807] }), 1);
  // TLS 1.3 binds neither suites nor groups to the certificate.
  assert.equal(chosen({ cipherSuites: [0x1301], groups: [29] }), 2);
});

Deno.test("CertificateIndex asks suites and groups of a client of TLS 1.2", () => {
  const find = index([[["a.example"], RSA], [["a.example"], EC]]);
  const chosen = (changes: Partial<ClientHello>) => find.choose("a.example", hello({ versions: [0x0303], ...changes }));
  assert.equal(chosen({}), 1);
  assert.equal(chosen({ cipherSuites: [0xc02f] }), 0);
  assert.equal(chosen({ cipherSuites: [0xc023, 0xc030] }), 0, "CBC is not spoken here");
  assert.equal(chosen({ groups: [29, 24] }), 0);
  assert.equal(chosen({ groups: null, signatureAlgorithms: null }), 1);
  assert.equal(chosen({ signatureAlgorithms: [0x0401] }), 0);
  // A client of both versions speaks 1.2 with a listener that does.
  const old = index([[["a.example"], RSA], [["a.example"], EC]], false, false);
  assert.equal(old.choose("a.example", hello({ cipherSuites: [0x1301, 0xc02f] })), 0);
});

Deno.test("CertificateIndex looks at the signatures of the chain where there is a choice", () => {
  const signedBy = (schemes: number[], needs: CertificateNeeds) => ({ ...needs, signatures: [schemes] });
  const find = index([[["a.example"], signedBy([0x0401], RSA)], [["a.example"], signedBy([0x0503], EC)]]);
  const chosen = (changes: Partial<ClientHello>) => find.choose("a.example", hello(changes));
  assert.equal(chosen({}), 1);
  assert.equal(chosen({ certificateSignatureAlgorithms: [0x0401] }), 0);
  assert.equal(chosen({ signatureAlgorithms: [0x0403, 0x0804, 0x0401] }), 0);
  // None fits: the key decides.
  assert.equal(chosen({ certificateSignatureAlgorithms: [0x0603] }), 1);
});

Deno.test("CertificateIndex chooses among wildcards and defaults, too", () => {
  const find = index([
    [["first.example", "*.b.example"], RSA],
    [["c.b.example"], EC],
    [["*.b.example"], EC],
    [["*.b.example", "first.example", "more.example"], ED],
  ]);
  const [all, rsa, ed] = [[0x0403, 0x0804, 0x0807], [0x0804], [0x0807]].map((signatureAlgorithms) =>
    hello({ signatureAlgorithms })
  );
  for (const name of ["x.b.example", "X.B.example."]) {
    assert.deepEqual([all, rsa, ed].map((client) => find.choose(name, client)), [2, 0, 3]);
  }
  // Whoever cannot use the certificate of the very name gets that of its wildcard.
  assert.deepEqual([all, rsa, ed].map((client) => find.choose("c.b.example", client)), [1, 0, 3]);
  // In the place of the first certificate only one that has all of its names.
  for (const name of [null, "unknown.test", "192.0.2.1"]) {
    assert.deepEqual([all, rsa, ed].map((client) => find.choose(name, client)), [3, 0, 3]);
  }
  // A client that can use none fails in the handshake, by the engine's own words.
  assert.equal(find.choose("c.b.example", hello({ signatureAlgorithms: [0x0203] })), 1);
});

Deno.test("CertificateIndex needs no ClientHello where the name decides", () => {
  assert.equal(index([[["a.example"], RSA], [["b.example"], EC], [["a.example"], RSA]]).needsHello, false);
  assert.equal(index([[["a.example"], EC], [["a.example"], EC384]]).needsHello, false);
  assert.equal(index([[["a.example"], RSA], [["*.example"], EC]]).needsHello, true);
  assert.equal(index([[["z.test"], EC], [["*.example"], RSA], [["*.example"], EC]]).needsHello, true);
});

Deno.test("needsOf() knows keys and the signatures of certificates", async () => {
  const other = await makeCertificate({ key: "Ed25519" });
  for (
    const [kind, keyType, scheme, signature] of [
      ["P-256", "ECDSA", 0x0403, 0x0403],
      ["P-384", "ECDSA", 0x0503, 0x0403],
      ["P-521", "ECDSA", 0x0603, 0x0403],
      ["Ed25519", "Ed25519", 0x0807, 0x0807],
      ["RSA-2048", "RSA", 0x0804, 0x0401],
    ] as const
  ) {
    const own = await makeCertificate({ key: kind });
    const needs = needsOf(createPrivateKey(own.key), [own.der, other.der]);
    assert.equal(needs.keyType, keyType);
    assert.equal(needs.schemes["1.3"][0], scheme);
    assert.deepEqual(needs.signatures, [[signature], [0x0807]]);
  }
});
