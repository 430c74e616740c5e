import assert from "node:assert/strict";
import { loadPrivateKey } from "../../../src/tls/certificates/private_key.ts";
import { Problems } from "../../../src/config/problem.ts";
import { type KeyKind, makeCertificate } from "../make_certificates.ts";
import { load, pair } from "./load_certificates.ts";

const DAY_MS = 86_400_000;

Deno.test("loadCertificate() answers material and what is said of it", async () => {
  await using files = await pair({ commonName: "Web", dnsNames: ["WWW.Example", "*.b.example"], ips: ["127.0.0.1"] });
  const { loaded, problems } = await load(files.cert, files.key);
  assert.deepEqual(problems, []);
  const { material: { needs, ...material }, info } = loaded!;
  assert.equal(needs.keyType, "ECDSA");
  assert.deepEqual(material, { cert: files.made.cert, key: files.made.key, names: ["www.example", "*.b.example"] });
  const { notAfter, ...rest } = info;
  const names = ["www.example", "*.b.example"];
  assert.deepEqual(rest, { name: names[0], file: files.cert, names, key: "ECDSA P-256", keyType: "ECDSA" });
  assert.ok(notAfter > Date.now() + 29 * DAY_MS && notAfter < Date.now() + 31 * DAY_MS);
});

const KINDS: [KeyKind, string][] = [
  ["P-256", "ECDSA P-256"],
  ["P-384", "ECDSA P-384"],
  ["P-521", "ECDSA P-521"],
  ["RSA-2048", "RSA 2048"],
  ["Ed25519", "Ed25519"],
];
for (const [kind, described] of KINDS) {
  Deno.test(`loadCertificate() takes a key of kind ${described}, which the engine accepts`, async () => {
    await using files = await pair({ key: kind });
    const { loaded, errors } = await load(files.cert, files.key);
    assert.deepEqual(errors, []);
    assert.equal((await loadPrivateKey(files.key, new Problems()))!.kind, described);
    const { cert, key } = loaded!.material;
    using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
    const accepted = listener.accept().then(async (conn) => {
      using _ = conn;
      await conn.handshake();
      await conn.write(Uint8Array.of(42));
    });
    using client = await Deno.connectTls({ hostname: "localhost", port: listener.addr.port, caCerts: [cert] });
    assert.equal(await client.read(new Uint8Array(1)), 1);
    await accepted;
  });
}

Deno.test("loadCertificate() warns of expiry and of a start in the future, in the whole chain", async () => {
  const now = Date.now();
  await using expired = await pair({ notBefore: now - 9 * DAY_MS, notAfter: now - 2.5 * DAY_MS });
  const first = await load(expired.cert, expired.key);
  assert.ok(first.loaded);
  assert.match(first.warnings[0], /\("CN=localhost"\) expired on \d{4}-\d\d-\d\d, 2 days ago: clients will refuse it$/);
  await using early = await pair({ notBefore: now + DAY_MS });
  const second = await load(early.cert, early.key);
  assert.ok(second.loaded);
  assert.match(second.warnings[0], /is not valid before \d{4}-\d\d-\d\d: clients will refuse it until then$/);
  const ca = await makeCertificate({ commonName: "old CA", ca: true, notBefore: 0, notAfter: now - DAY_MS / 2 });
  const leaf = await makeCertificate({ issuer: ca });
  const chain = await early.directory.write("chain", leaf.cert + ca.cert);
  const third = await load(chain, await early.directory.write("leaf.key", leaf.key));
  assert.match(third.warnings[0], /\("CN=old CA"\) expired on .*, less than a day ago/);
});

Deno.test("loadCertificate() warns of a certificate that is not for servers", async () => {
  await using files = await pair({ use: "clientAuth" });
  const { loaded, warnings } = await load(files.cert, files.key);
  assert.ok(loaded);
  assert.match(warnings[0], /is not for servers: its extended key usage lacks serverAuth$/);
  await using good = await pair({ use: "serverAuth" });
  assert.deepEqual((await load(good.cert, good.key)).problems, []);
});

Deno.test("loadCertificate() takes the names of the configuration, which the certificate must have", async () => {
  await using files = await pair({ dnsNames: ["a.example", "*.b.example", "xn--bcher-kva.example"] });
  const good = await load(files.cert, files.key, ["A.example.", "x.b.example", "Bücher.example", "a.example"]);
  assert.deepEqual(good.problems, []);
  assert.deepEqual(good.loaded!.material.names, ["a.example", "x.b.example", "xn--bcher-kva.example"]);
  assert.equal(good.loaded!.info.name, "a.example");
  const bad = await load(files.cert, files.key, ["c.example", "a b"]);
  assert.equal(bad.loaded, null);
  assert.deepEqual(bad.errors, [
    `Name "c.example" is not in the certificate "${files.cert}": it has "a.example", "*.b.example", "xn--bcher-kva.example"`,
    'Invalid name "a b": must be a DNS name',
  ]);
});

Deno.test("loadCertificate() falls back on the common name, and then on the file's name", async () => {
  await using named = await pair({ dnsNames: [], commonName: "Old.example" });
  assert.deepEqual((await load(named.cert, named.key)).loaded!.material.names, ["old.example"]);
  await using unnamed = await pair({ dnsNames: [], commonName: "My Server" });
  const { loaded } = await load(unnamed.cert, unnamed.key);
  assert.deepEqual(loaded!.material.names, []);
  assert.equal(loaded!.info.name, "My Server");
  await using nameless = await pair({ dnsNames: [], ips: ["127.0.0.1"], commonName: [] });
  assert.equal((await load(nameless.cert, nameless.key)).loaded!.info.name, "cert.crt");
});

Deno.test("loadCertificate() keeps control characters of a subject out of messages", async () => {
  await using files = await pair({ commonName: "a\nlevel=error\x1b[2J", dnsNames: [], notAfter: Date.now() - 1 });
  const { loaded, warnings } = await load(files.cert, files.key);
  assert.equal(warnings.length, 1);
  for (const text of [warnings[0], loaded!.info.name]) {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(text, /[\x00-\x1f]/);
  }
});
