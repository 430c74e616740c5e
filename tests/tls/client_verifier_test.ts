import assert from "node:assert/strict";
import { ClientVerifier } from "../../src/tls/verify/client_verifier.ts";
import { VerificationError } from "../../src/tls/verify/verification_error.ts";
import * as x from "../support/certificates/certificate_builder.ts";
import { makeClientCertificates } from "../support/certificates/client_certificates.ts";

const DAY_MS = 86_400_000;
const AUTHORITY = [x.basicConstraints(true), x.keyUsage(0x06)];
const authority = (title: string, options: Partial<x.BuildOptions> = {}) =>
  x.build({ subject: x.commonName(title), extensions: AUTHORITY, ...options });

/** The class of the refusal; "" where the chain is verified. */
function refusal(ca: x.Built | x.Built[], chain: x.Built[], nowMs?: number): string {
  try {
    new ClientVerifier([ca].flat().map(({ pem }) => pem).join("")).verify(
      chain.map(({ der }) => der),
      undefined,
      nowMs,
    );
    return "";
  } catch (error) {
    assert.ok(error instanceof VerificationError, String(error));
    return error.verificationClass;
  }
}

Deno.test("ClientVerifier admits the certificates that are right, and no other", () => {
  const { ca, clients } = makeClientCertificates();
  for (const { title, leaf, chain, admitted } of clients) {
    assert.equal(refusal(ca, [leaf, ...chain]) === "", admitted, title);
    // The order of the other certificates does not matter.
    assert.equal(refusal(ca, [leaf, ...chain.toReversed()]) === "", admitted, title);
  }
});

Deno.test("ClientVerifier looks again when time has passed, whatever it remembers", () => {
  const ca = authority("ca");
  const intermediate = authority("intermediate", { issuer: ca, notAfter: Date.now() + DAY_MS });
  const leaf = x.build({ subject: x.commonName("alice"), issuer: intermediate, extensions: [] });
  const verifier = new ClientVerifier(ca.pem);
  const chain = [leaf.der, intermediate.der];
  let examined = 0;
  const verify = (nowMs: number) => verifier.verify(chain, () => examined++, nowMs);
  verify(Date.now());
  verify(Date.now());
  assert.equal(examined, 1, "remembered");
  assert.throws(() => verify(Date.now() + 2 * DAY_MS), /intermediate": it expired on/);
  assert.throws(() => verify(Date.now() - 20 * DAY_MS), /not valid before/);
  verify(Date.now());
});

Deno.test("ClientVerifier does not remember a certificate for a chain that is another", () => {
  const ca = authority("ca");
  const intermediate = authority("intermediate", { issuer: ca });
  const leaf = x.build({ subject: x.commonName("alice"), issuer: intermediate, extensions: [] });
  const verifier = new ClientVerifier(ca.pem);
  verifier.verify([leaf.der, intermediate.der]);
  assert.throws(() => verifier.verify([leaf.der]), VerificationError);
  const forged = leaf.der.slice();
  forged[forged.length - 1] ^= 1;
  assert.throws(() => verifier.verify([forged, intermediate.der]), VerificationError);
});

Deno.test("ClientVerifier verifies every kind of key that it calls right", () => {
  for (const key of ["P-256", "P-384", "Ed25519", "RSA-2048"] as const) {
    const ca = authority("ca", { key });
    const leaf = x.build({ subject: x.commonName("alice"), issuer: ca, key, extensions: [] });
    assert.equal(refusal(ca, [leaf]), "", key);
    const forged = { ...leaf, der: leaf.der.slice() };
    forged.der[forged.der.length - 5] ^= 1;
    assert.equal(refusal(ca, [forged]), "certificate-unknown-authority", key);
  }
});

Deno.test("ClientVerifier trusts an authority that stands in the bundle, be it no root, and a client that does", () => {
  const root = authority("root");
  const intermediate = authority("intermediate", { issuer: root });
  const leaf = x.build({ subject: x.commonName("alice"), issuer: intermediate, extensions: [] });
  assert.equal(refusal(intermediate, [leaf]), "");
  const pinned = x.build({ subject: x.commonName("alice"), extensions: [x.basicConstraints(false)] });
  assert.equal(refusal(pinned, [pinned]), "");
  const signedByPinned = x.build({ subject: x.commonName("bob"), issuer: pinned, extensions: [] });
  assert.equal(refusal(pinned, [signedByPinned]), "certificate-wrong-use");
});

Deno.test("ClientVerifier holds constraints against every kind of name, in whatever form it comes", () => {
  const constraints = (permitted: Uint8Array[], excluded: Uint8Array[] = []): x.Extension => [
    "2.5.29.30",
    true,
    x.sequence(
      ...(permitted.length ? [x.der(0xa0, ...permitted.map((base) => x.sequence(base)))] : []),
      ...(excluded.length ? [x.der(0xa1, ...excluded.map((base) => x.sequence(base)))] : []),
    ),
  ];
  const dns = (name: string) => x.der(0x82, x.text(name));
  const email = (name: string) => x.der(0x81, x.text(name));
  const uri = (name: string) => x.der(0x86, x.text(name));
  const ip = (...octets: number[]) => x.der(0x87, Uint8Array.from(octets));
  const directory = (name: Uint8Array) => x.der(0xa4, name);
  const other = x.der(0xa0, x.oid("1.2.3"), x.der(0xa0, x.utf8("x")));
  const organization = (value: Uint8Array) => x.name(["2.5.4.10", value], ["2.5.4.3", x.utf8("alice")]);
  const cases: [string, x.Extension, Uint8Array[], boolean, x.Bytes?][] = [
    ["dns in", constraints([dns("good.example")]), [dns("A.Good.Example")], true],
    ["dns itself", constraints([dns("good.example")]), [dns("good.example")], true],
    ["dns beside", constraints([dns("good.example")]), [dns("evilgood.example")], false],
    ["one of two", constraints([dns("good.example")]), [dns("a.good.example"), dns("evil.example")], false],
    ["root's dot", constraints([], [dns("bad.example")]), [dns("x.bad.example.")], false],
    ["case", constraints([], [dns("bad.example")]), [dns("X.BAD.example")], false],
    ["wildcard over", constraints([], [dns("x.bad.example")]), [dns("*.bad.example")], false],
    ["common name", constraints([dns("good.example")]), [], false, x.commonName("evil.example")],
    ["person's name", constraints([dns("good.example")]), [], true, x.commonName("alice")],
    ["email host", constraints([email("good.example")]), [email("a@good.example")], true],
    ["email other", constraints([email("good.example")]), [email("a@sub.good.example")], false],
    ["email below", constraints([], [email(".bad.example")]), [email("a@x.bad.example")], false],
    ["no email", constraints([], [email("bad.example")]), [email("bad")], false],
    ["spiffe in", constraints([uri("good.example")]), [uri("spiffe://good.example/a")], true],
    ["spiffe out", constraints([uri("good.example")]), [uri("spiffe://evil.example/good.example")], false],
    ["user part", constraints([uri("good.example")]), [uri("spiffe://good.example@evil.example/a")], false],
    ["no host", constraints([], [uri("bad.example")]), [uri("urn:x")], false],
    ["ip in", constraints([ip(10, 0, 0, 0, 255, 0, 0, 0)]), [ip(10, 1, 2, 3)], true],
    ["ip out", constraints([ip(10, 0, 0, 0, 255, 0, 0, 0)]), [ip(11, 1, 2, 3)], false],
    ["ip of the other kind", constraints([ip(10, 0, 0, 0, 255, 0, 0, 0)]), [ip(...Array(16).fill(0))], false],
    ["unknown kind, unconstrained", constraints([dns("good.example")]), [other], true],
    ["unknown kind, excluded", constraints([], [other]), [other], false],
    [
      "directory, other case and type of string",
      constraints([], [directory(x.name(["2.5.4.10", x.utf8("Evil Corp")]))]),
      [],
      false,
      organization(x.der(0x13, x.text("EVIL  corp"))),
    ],
    [
      "directory in",
      constraints([directory(x.name(["2.5.4.10", x.utf8("Good")]))]),
      [],
      true,
      organization(x.utf8("Good")),
    ],
    ["directory out", constraints([directory(x.name(["2.5.4.10", x.utf8("Good")]))]), [], false],
  ];
  const ca = authority("ca");
  for (const [title, extension, names, admitted, subject] of cases) {
    const constrained = authority("constrained", { issuer: ca, extensions: [...AUTHORITY, extension] });
    const leaf = x.build({
      subject: subject ?? x.commonName("alice"),
      issuer: constrained,
      extensions: names.length === 0 ? [] : [["2.5.29.17", false, x.sequence(...names)]],
    });
    assert.equal(refusal(ca, [leaf, constrained]), admitted ? "" : "certificate-constraint", title);
  }
});

Deno.test("ClientVerifier bounds the work that a client can ask for", () => {
  const ca = authority("ca");
  // Thirty authorities of one name that sign one another: as many ways as there are orders of them.
  const keys = x.generateKeys("P-256");
  const maze = Array.from({ length: 30 }, () => authority("maze", { keys, issuerName: x.commonName("maze") }));
  const leaf = x.build({ subject: x.commonName("alice"), issuer: maze[0], extensions: [] });
  assert.equal(refusal(ca, [leaf, ...maze]), "certificate-constraint");
  // And a path that exists is still found among them.
  const bridge = authority("maze", { keys, issuer: ca });
  assert.equal(refusal(ca, [leaf, bridge, ...maze]), "");
});

Deno.test("ClientVerifier refuses what is malformed, in whatever way", () => {
  const ca = authority("ca");
  const leaf = x.build({ subject: x.commonName("alice"), issuer: ca, extensions: [x.keyUsage(0x80)] });
  const verifier = new ClientVerifier(ca.pem);
  // Every bit: what the signature covers, the signature, and what stands around them.
  for (let bit = 0; bit < 8 * leaf.der.length; bit++) {
    const der = leaf.der.slice();
    der[bit >> 3] ^= 1 << (bit & 7);
    assert.throws(() => verifier.verify([der]), VerificationError, `bit ${bit}`);
  }
  assert.throws(() => verifier.verify([x.concat([leaf.der, Uint8Array.of(0)])]), VerificationError);
  const twice = x.build({
    subject: x.commonName("alice"),
    issuer: ca,
    extensions: [x.extendedKeyUsage(x.CLIENT_AUTH), x.extendedKeyUsage(x.CLIENT_AUTH)],
  });
  assert.equal(refusal(ca, [twice]), "certificate-malformed");
});
