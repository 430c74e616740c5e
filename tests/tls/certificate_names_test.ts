import assert from "node:assert/strict";
import { readCertificateNames, readPeerCertificate } from "../../src/tls/certificates/certificate_names.ts";
import { makeCertificate } from "./make_certificates.ts";

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
  });
});

Deno.test("readCertificateNames() tells absent extensions from empty ones", async () => {
  const { der } = await makeCertificate({ commonName: "x" });
  assert.deepEqual(readCertificateNames(der), { commonName: "x", dnsNames: [], uris: [], extendedKeyUsage: null });
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
