import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readCertificateNames } from "../../../src/tls/certificates/certificate_names.ts";
import { readPem } from "../../../src/tls/certificates/pem.ts";
import { makeSelfSigned } from "../../../src/tls/certificates/self_signed.ts";

Deno.test("makeSelfSigned() makes a certificate for names and addresses, for servers alone", async () => {
  const now = Date.UTC(2030, 0, 15);
  const made = await makeSelfSigned({ hosts: ["LocalHost", "*.Bücher.example", "127.0.0.1", "[::1]"], days: 100, now });
  assert.deepEqual(made.hosts, ["localhost", "*.xn--bcher-kva.example", "127.0.0.1", "::1"]);
  assert.equal(made.notAfter, now + 100 * 86_400_000);
  const x509 = new X509Certificate(made.cert);
  assert.equal(x509.subject, "CN=localhost");
  assert.equal(x509.ca, false);
  assert.equal(Date.parse(x509.validTo), made.notAfter);
  assert.ok(Date.parse(x509.validFrom) < now);
  assert.ok(x509.checkIP("127.0.0.1") && x509.checkIP("::1") && x509.checkHost("localhost"));
  assert.ok(x509.verify(x509.publicKey));
  const names = readCertificateNames(readPem(made.cert)[0].der);
  assert.deepEqual(names.dnsNames, ["localhost", "*.xn--bcher-kva.example"]);
  assert.deepEqual(names.extendedKeyUsage, ["1.3.6.1.5.5.7.3.1"]);
});

Deno.test("makeSelfSigned() makes one that a client trusts when it is given as the CA", async () => {
  const { cert, key } = await makeSelfSigned({ hosts: ["127.0.0.1", "localhost"] });
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
  for (const hostname of ["127.0.0.1", "localhost"]) {
    const accepted = listener.accept().then((conn) => conn.handshake().finally(() => conn.close()));
    using client = await Deno.connectTls({ hostname, port: listener.addr.port, caCerts: [cert] });
    await client.handshake();
    await accepted;
  }
});

Deno.test("makeSelfSigned() never makes the same twice", async () => {
  const [a, b] = [await makeSelfSigned({ hosts: ["a"] }), await makeSelfSigned({ hosts: ["a"] })];
  assert.notEqual(a.key, b.key);
  assert.notEqual(new X509Certificate(a.cert).serialNumber, new X509Certificate(b.cert).serialNumber);
});

Deno.test("makeSelfSigned() takes a name longer than a common name may be", async () => {
  const host = `${"a".repeat(60)}.${"b".repeat(60)}.example`;
  const { cert } = await makeSelfSigned({ hosts: [host] });
  assert.ok(new X509Certificate(cert).checkHost(host));
});

Deno.test("makeSelfSigned() refuses what is no host, and days that clients would refuse", async () => {
  for (const host of ["", "a b", "a/b", "fe80::1%eth0", "https://a", "a:443", "*", "1.2.3"]) {
    await assert.rejects(makeSelfSigned({ hosts: [host] }), {
      name: "TypeError",
      message: `Cannot make certificate for ${JSON.stringify(host)}: must be a DNS name or an IP address`,
    });
  }
  await assert.rejects(makeSelfSigned({ hosts: [] }), /no host given/);
  for (const days of [0, 826, NaN]) await assert.rejects(makeSelfSigned({ hosts: ["a"], days }), RangeError);
});
