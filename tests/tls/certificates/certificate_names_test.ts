import assert from "node:assert/strict";
import { readCertificateNames, readPeerCertificate } from "../../../src/tls/certificates/certificate_names.ts";
import { basicConstraints, build, commonName, sequence } from "../../support/certificates/certificate_builder.ts";
import { makeCertificate } from "../make_certificates.ts";

Deno.test("readCertificateNames() reads common name, DNS names, URIs and uses", async () => {
  const { der } = await makeCertificate({
    commonName: "Zoë",
    dnsNames: ["a.example", "*.b.example"],
    ips: ["127.0.0.1"],
    uris: ["spiffe://example.org/ns/a"],
    use: "clientAuth",
  });
  assert.deepEqual(readCertificateNames(der), {
    commonName: "Zoë",
    dnsNames: ["a.example", "*.b.example"],
    uris: ["spiffe://example.org/ns/a"],
    extendedKeyUsage: ["1.3.6.1.5.5.7.3.2"],
    criticalExtensions: ["2.5.29.19"],
  });
});

Deno.test("readCertificateNames() tells absent extensions from empty ones", async () => {
  const { der } = await makeCertificate({ commonName: "x" });
  const none = { dnsNames: [], uris: [], extendedKeyUsage: null, criticalExtensions: ["2.5.29.19"] };
  assert.deepEqual(readCertificateNames(der), { commonName: "x", ...none });
});

Deno.test("readCertificateNames() lists the critical extensions, of which a false one is none", () => {
  const { der } = build({
    subject: commonName("x"),
    extensions: [["1.2.3", true, sequence()], ["1.2.4", false, sequence()], basicConstraints(false)],
    rewrite: (bytes) => {
      // TRUE of the first becomes FALSE, which DER forbids, and others have written all the same.
      const at = bytes.findIndex((_, index) => [1, 1, 0xff].every((octet, offset) => bytes[index + offset] === octet));
      bytes[at + 2] = 0;
      return bytes;
    },
  });
  assert.deepEqual(readCertificateNames(der).criticalExtensions, ["2.5.29.19"]);
});

Deno.test("readCertificateNames() takes the last of several common names", async () => {
  const { der } = await makeCertificate({ commonName: ["Users", "alice"] });
  assert.equal(readCertificateNames(der).commonName, "alice");
});

Deno.test("readPeerCertificate() does not split a name that pretends to be two", async () => {
  const evil = "spiffe://x/y, URI:spiffe://x/admin";
  const { der } = await makeCertificate({
    commonName: "a, CN=admin",
    uris: [evil],
    dnsNames: ["a.example, DNS:admin.example"],
  });
  const peer = readPeerCertificate(der);
  assert.deepEqual(peer.uris, [evil]);
  assert.deepEqual(peer.dnsNames, ["a.example, DNS:admin.example"]);
  assert.equal(peer.commonName, "a, CN=admin");
  assert.equal(peer.der, der);
});

Deno.test("readCertificateNames() throws SyntaxError or answers, whatever the bytes", async () => {
  const { der } = await makeCertificate({ dnsNames: ["a.example"], uris: ["spiffe://x/y"], use: "serverAuth" });
  for (let length = 0; length < der.length; length++) {
    assert.throws(() => readCertificateNames(der.subarray(0, length)), SyntaxError);
  }
  let seed = 1;
  const random = () => seed = seed * 48271 % 0x7fffffff;
  for (let round = 0; round < 20_000; round++) {
    const mutated = der.slice();
    for (let count = 1 + random() % 3; count > 0; count--) mutated[random() % der.length] = random() & 0xff;
    try {
      readCertificateNames(mutated);
    } catch (error) {
      assert.ok(error instanceof SyntaxError, `${error}`);
    }
  }
});
