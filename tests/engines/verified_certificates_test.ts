import assert from "node:assert/strict";
import { VerifiedCertificates } from "../../src/engines/node/verified_certificates.ts";
import { makeCertificate } from "../tls/make_certificates.ts";

Deno.test("VerifiedCertificates knows a certificate by its bytes, for its own CA bundle alone", async () => {
  const [alice, twin] = [
    await makeCertificate({ commonName: "alice" }),
    await makeCertificate({ commonName: "alice" }),
  ];
  const verified = new VerifiedCertificates("bundle one");
  assert.equal(verified.has(alice.der), false);
  verified.add(alice.der);
  assert.equal(verified.has(alice.der), true);
  assert.equal(verified.has(twin.der), false);
  assert.equal(new VerifiedCertificates("bundle two").has(alice.der), false);
});

Deno.test("VerifiedCertificates lives on over a reload with the same CA bundle", async () => {
  const { der } = await makeCertificate();
  new VerifiedCertificates("bundle three").add(der);
  assert.equal(new VerifiedCertificates("bundle three").has(der), true);
});

Deno.test("VerifiedCertificates forgets a certificate when it expires", async () => {
  const { der } = await makeCertificate({ notAfter: Date.now() - 1000 });
  const verified = new VerifiedCertificates("bundle four");
  verified.add(der);
  assert.equal(verified.has(der), false);
});
