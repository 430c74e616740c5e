import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { loadCertificate, type LoadedCertificate } from "../../src/tls/certificates/certificates.ts";
import { loadPrivateKey } from "../../src/tls/certificates/private_key.ts";
import { readPem, writePem } from "../../src/tls/certificates/pem.ts";
import { type Problem, Problems } from "../../src/config/problem.ts";
import {
  basicConstraints,
  build,
  type Built,
  type Bytes,
  commonName,
  der,
  dnsNames,
  type Extension,
  oid,
  sequence,
  text,
} from "../support/certificates/certificate_builder.ts";
import { type KeyKind, makeCertificate } from "./make_certificates.ts";
import { makeTemporaryDirectory } from "./temporary_directory.ts";

const DAY_MS = 86_400_000;
const PASSPHRASE = "correct hörse";

/** Loads, and checks that no message holds a piece of a key. */
async function load(
  cert: string,
  key: string,
  names: string[] = [],
  keyPassphraseFile = "",
): Promise<{ loaded: LoadedCertificate | null; errors: string[]; warnings: string[]; problems: readonly Problem[] }> {
  const collected = new Problems();
  const config = { path: ["certificates", 1], cert, key, keyPassphraseFile, names };
  const loaded = await loadCertificate(config, Date.now(), collected);
  const problems = collected.found;
  for (const { message } of problems) {
    assert.doesNotMatch(message, /[\r\n]/);
    assert.doesNotMatch(message, /MII|[A-Za-z0-9+/]{60}/);
    assert.doesNotMatch(message, new RegExp(PASSPHRASE));
  }
  const of = (wanted: string) => problems.filter(({ severity }) => severity === wanted).map(({ message }) => message);
  return { loaded, errors: of("error"), warnings: of("warning"), problems };
}

async function pair(options: Parameters<typeof makeCertificate>[0] = {}) {
  const directory = await makeTemporaryDirectory();
  const made = await makeCertificate({ dnsNames: ["localhost"], ...options });
  const cert = await directory.write("cert.crt", made.cert, 0o644);
  const key = await directory.write("key.key", made.key);
  return { directory, made, cert, key, [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose]() };
}

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

Deno.test("loadCertificate() normalizes PKCS#1 and SEC1 keys, EC parameters and text before the block", async () => {
  for (const [kind, type] of [["RSA-2048", "pkcs1"], ["P-256", "sec1"]] as const) {
    await using files = await pair({ key: kind });
    const traditional = createPrivateKey(files.made.key).export({ type, format: "pem" });
    const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    const key = await files.directory.write("old.key", `Private-Key: (256 bit)\n    pub:\n${parameters}${traditional}`);
    const cert = await files.directory.write("text.crt", `Certificate:\n    Data:\n${files.made.cert}`);
    const { loaded, errors } = await load(cert, key);
    assert.deepEqual(errors, []);
    assert.equal(loaded!.material.cert, files.made.cert);
    assert.equal(loaded!.material.key, files.made.key);
  }
});

Deno.test("loadCertificate() takes key and certificate out of one file", async () => {
  await using files = await pair();
  const both = await files.directory.write("both", files.made.key + files.made.cert, 0o600);
  const { loaded, problems } = await load(both, both);
  assert.deepEqual(problems, []);
  assert.equal(loaded!.material.cert, files.made.cert);
});

Deno.test("loadCertificate() follows symbolic links", async () => {
  await using files = await pair();
  const link = join(files.directory.path, "link");
  await symlink("cert.crt", link);
  assert.ok((await load(link, files.key)).loaded);
});

Deno.test("loadCertificate() says why a file cannot be read, for both files at once", async () => {
  await using directory = await makeTemporaryDirectory();
  const file = await directory.write("file", "");
  await mkdir(join(directory.path, "dir"));
  await symlink("loop", join(directory.path, "loop"));
  const cases = [
    ["missing", "file not found"],
    ["dir", "is a directory"],
    ["file", "file is empty"],
    ["file/x", "a part of its path is not a directory"],
    ["loop", "its symbolic links form a loop"],
  ];
  for (const [name, detail] of cases) {
    const path = join(directory.path, name);
    const { loaded, errors, problems } = await load(path, path);
    assert.equal(loaded, null);
    assert.deepEqual(errors, [
      `Cannot load certificate "${path}": ${detail}`,
      `Cannot load private key "${path}": ${detail}`,
    ]);
    assert.deepEqual(problems.map((problem) => problem.key), ["certificates.cert", "certificates.key"]);
  }
  const large = await directory.write("large", " ".repeat(1024 * 1024 + 1));
  assert.match((await load(large, file)).errors[0], /large": file has 1048577 bytes, more than 1048576$/);
});

Deno.test({
  name: "loadCertificate() does not wait for a FIFO or a device",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { errors } = await load("/dev/null", "/dev/zero");
    assert.match(errors[0], /is not a regular file$/);
    assert.match(errors[1], /is not a regular file$/);
  },
});

Deno.test("loadCertificate() names what a file holds instead", async () => {
  await using files = await pair();
  const { write } = files.directory;
  const { der, key, cert } = files.made;
  const keyDer = readPem(key)[0].der;
  const block = (label: string) => `-----BEGIN ${label}-----\nAQID\n-----END ${label}-----\n`;
  const pkcs12 = Uint8Array.from([0x30, 0x82, 0x04, 0x00, 0x02, 0x01, 0x03, ...new Array(64).fill(0)]);
  const asCertificate: [string | Uint8Array, RegExp][] = [
    [key, /no certificate in it: it holds a private key$/],
    [block("CERTIFICATE REQUEST"), /it holds a certificate request \(CSR\), which a CA has yet to sign$/],
    [block("PUBLIC KEY"), /it holds a public key$/],
    [block("PKCS7"), /it holds a PKCS#7 bundle$/],
    [block("X509 CRL") + key, /it holds a revocation list \(CRL\) and a private key$/],
    [block("DH PARAMETERS"), /it holds "DH PARAMETERS"$/],
    [der, /is DER \(binary\), not PEM: convert it with "openssl x509 -inform DER/],
    [pkcs12, /is PKCS#12 \(\.p12, \.pfx\), not PEM: convert it with "openssl pkcs12/],
    ["hello", /no "-----BEGIN" line found: not a PEM file$/],
    [cert.slice(0, 200), /block 1 \("CERTIFICATE"\) is cut short/],
    [block("CERTIFICATE"), /certificate number 1 of 1 is damaged$/],
    [cert + block("CERTIFICATE"), /certificate number 2 of 2 is damaged$/],
  ];
  for (const [content, message] of asCertificate) {
    const { loaded, errors } = await load(await write("wrong", content), files.key);
    assert.equal(loaded, null);
    assert.equal(errors.length, 1);
    assert.match(errors[0], message);
  }
  const asKey: [string | Uint8Array, RegExp][] = [
    [cert, /no private key in it: it holds a certificate$/],
    [block("PUBLIC KEY"), /no private key in it: it holds a public key$/],
    [keyDer, /is DER \(binary\), not PEM: convert it with "openssl pkey -inform DER/],
    [key + key, /2 private keys in it/],
    [block("PRIVATE KEY"), /is damaged, or of a kind that is not supported: RSA of 2048/],
    [block("DSA PRIVATE KEY"), /"DSA PRIVATE KEY" is not supported: RSA of 2048/],
    [block("OPENSSH PRIVATE KEY"), /is an OpenSSH key: convert it with "ssh-keygen/],
  ];
  for (const [content, message] of asKey) {
    const { loaded, errors } = await load(files.cert, await write("wrong", content));
    assert.equal(loaded, null);
    assert.equal(errors.length, 1);
    assert.match(errors[0], message);
  }
});

Deno.test("loadCertificate() says in one line that cert and key name each other's file", async () => {
  await using files = await pair();
  const { loaded, problems } = await load(files.key, files.cert);
  assert.equal(loaded, null);
  assert.deepEqual(problems.map(({ key, message }) => [key, message]), [[
    "certificates.cert",
    `cert names the private key "${files.key}", and key the certificate "${files.cert}": swap them`,
  ]]);
});

Deno.test("loadCertificate() refuses an encrypted key, of both kinds", async () => {
  await using files = await pair();
  const pkcs8 = createPrivateKey(files.made.key)
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }) as string;
  assert.match(pkcs8, /BEGIN ENCRYPTED PRIVATE KEY/);
  const legacy =
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\nAQID\n-----END RSA PRIVATE KEY-----\n";
  for (const content of [pkcs8, legacy]) {
    const path = await files.directory.write("encrypted", content);
    assert.deepEqual((await load(files.cert, path)).errors, [
      `Cannot load private key "${path}": is encrypted with a passphrase: set key-passphrase-file, or decrypt it with "openssl pkey -in ${path} -out FILE.pem"`,
    ]);
  }
});

Deno.test("loadCertificate() decrypts a key by the passphrase in a file", async () => {
  await using files = await pair();
  const { write } = files.directory;
  const path = await write("encrypted", encrypted(files.made.key));
  for (const text of [PASSPHRASE, `${PASSPHRASE}\n`, `${PASSPHRASE}\r\n`]) {
    const { loaded, problems } = await load(files.cert, path, [], await write("passphrase", text, 0o640));
    assert.deepEqual(problems, []);
    assert.equal(loaded!.material.key, files.made.key);
  }
  // The older form, of "openssl ec -aes256".
  const legacy = await write(
    "legacy",
    `-----BEGIN EC PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED
DEK-Info: AES-256-CBC,BD683314CB701F15AE1F9BD716C2A967

c4VDh3NghB2B9Mbdg0UoWlxtOPywS89XKmwqfna4uuZq0tu+nzLcFkAyDOY6vuSM
rGsqn7DthaiXaCH2tkmflhmfe1tRFIYs5QYsjcaq7etXG3NAlI+0N26NMCQ03rsI
K5OA4Z7usRIeG+97YwTHS67pc1W0M9xJIptzK3tE8hE=
-----END EC PRIVATE KEY-----
`,
  );
  const key = await loadPrivateKey(legacy, new Problems(), {
    path: await write("passphrase", PASSPHRASE),
    problems: new Problems(),
  });
  assert.equal(key!.kind, "ECDSA P-256");
  assert.match(key!.pem, /^-----BEGIN PRIVATE KEY-----\n/);
});

Deno.test("loadCertificate() says what is wrong with a passphrase, and never the passphrase", async () => {
  await using files = await pair();
  const { write } = files.directory;
  const path = await write("encrypted", encrypted(files.made.key));
  for (
    const [text, message] of [
      [`${PASSPHRASE} `, /^Cannot load private key ".*encrypted": the passphrase in ".*passphrase" is wrong$/],
      ["", /^Cannot load passphrase ".*passphrase": file is empty$/],
      ["\n", /^Cannot load passphrase ".*passphrase": file is empty$/],
      [`${PASSPHRASE}\nanother`, /^Cannot load passphrase ".*passphrase": file has several lines/],
      ["x".repeat(1025), /^Cannot load passphrase ".*passphrase": it is longer than 1024 bytes$/],
      ["x".repeat(2000), /^Cannot load passphrase ".*passphrase": file has 2000 bytes, more than 1026$/],
    ] as const
  ) {
    const { loaded, errors, problems } = await load(files.cert, path, [], await write("passphrase", text));
    assert.equal(loaded, null);
    assert.equal(errors.length, 1);
    assert.match(errors[0], message);
    assert.equal(problems[0].key, text === `${PASSPHRASE} ` ? "certificates.key" : "certificates.key-passphrase-file");
  }
  const missing = await load(files.cert, path, [], join(files.directory.path, "none"));
  assert.match(missing.errors[0], /^Cannot load passphrase ".*none": file not found$/);
  const open = await load(files.cert, path, [], await write("open", PASSPHRASE, 0o644));
  assert.match(open.warnings[0], /^Passphrase ".*open" can be read by every user \(mode 0644\): use 0640 or 0600$/);
  const plain = await load(files.cert, files.key, [], await write("passphrase", PASSPHRASE));
  assert.ok(plain.loaded);
  assert.deepEqual(plain.errors, []);
  assert.match(plain.warnings[0], /^Passphrase ".*passphrase" is not used: private key ".*" is not encrypted$/);
  // PBES1, which Deno does not know: the passphrase may be right.
  const algorithm = sequence(
    oid("1.2.840.113549.1.12.1.3"),
    sequence(der(0x04, new Uint8Array(8)), der(0x02, Uint8Array.of(8, 0))),
  );
  const pbes1 = writePem("ENCRYPTED PRIVATE KEY", sequence(algorithm, der(0x04, new Uint8Array(64))));
  const unknown = await load(files.cert, await write("pbes1", pbes1), [], await write("passphrase", PASSPHRASE));
  assert.match(unknown.errors[0], /is wrong, or Deno does not know how it is encrypted: "openssl pkcs8 -topk8"/);
});

/** As PKCS #8. */
function encrypted(key: string): string {
  const options = { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: PASSPHRASE } as const;
  return createPrivateKey(key).export(options) as string;
}

Deno.test("loadCertificate() warns of a chain that is longer than clients take", async () => {
  let issuer = await makeCertificate({ commonName: "root", ca: true });
  const chain: string[] = [];
  for (let level = 0; level < 7; level++) {
    issuer = await makeCertificate({ commonName: `intermediate ${level}`, ca: true, issuer });
    chain.unshift(issuer.cert);
  }
  const leaf = await makeCertificate({ dnsNames: ["localhost"], issuer });
  await using directory = await makeTemporaryDirectory();
  const key = await directory.write("key", leaf.key);
  const warningsOf = async (text: string) => (await load(await directory.write("chain", text), key)).warnings;
  assert.deepEqual(await warningsOf(leaf.cert + chain.slice(0, 6).join("")), []);
  assert.match(
    (await warningsOf(leaf.cert + chain.join("")))[0],
    /^Certificate ".*chain" shows 8 certificates: many clients take at most 7/,
  );
});

Deno.test("loadCertificate() warns where an intermediate seems to be missing", async () => {
  const url = sequence(oid("1.3.6.1.5.5.7.48.2"), der(0x86, text("http://ca.example/ca.crt")));
  const issuersUrl: Extension = ["1.3.6.1.5.5.7.1.1", false, sequence(url)];
  const namedBy = (name: Bytes): Extension => [
    "2.5.29.35",
    false,
    sequence(der(0xa1, der(0xa4, name)), der(0x82, Uint8Array.of(1))),
  ];
  const ca = (title: string, issuer?: Built, ...extensions: Extension[]) =>
    build({ subject: commonName(title), issuer, extensions: [basicConstraints(true), ...extensions] });
  const leaf = (issuer: Built, ...extensions: Extension[]) =>
    build({ subject: commonName("localhost"), issuer, extensions: [dnsNames("localhost"), ...extensions] });
  const [anchor, root] = [ca("Example Anchor"), ca("Example Root X1")];
  const r3 = ca("R3", anchor, namedBy(anchor.subject), issuersUrl);
  const r4 = ca("R4", r3);
  await using directory = await makeTemporaryDirectory();
  for (
    const [title, chain, lacks] of [
      ["a leaf of an intermediate, by the address of its issuer", [leaf(r3, issuersUrl)], "R3"],
      ["a leaf of an intermediate, by the name of its issuer's issuer", [leaf(r3, namedBy(anchor.subject))], "R3"],
      ["a leaf with its intermediate", [leaf(r3, issuersUrl), r3], null],
      ["an intermediate of an intermediate", [leaf(r4), r4], null],
      ["a leaf of a private authority", [leaf(anchor)], null],
      [
        "a leaf of an authority that it names as its own issuer",
        [leaf(anchor, namedBy(anchor.subject), issuersUrl)],
        null,
      ],
      ["a leaf of an authority that calls itself a root", [leaf(root, issuersUrl)], null],
      ["a certificate that signs itself", [ca("localhost")], null],
    ] as [string, Built[], string | null][]
  ) {
    const file = await directory.write("chain", chain.map(({ pem }) => pem).join(""));
    const { warnings, errors } = await load(file, await directory.write("key", chain[0].key));
    assert.deepEqual(errors, [], title);
    assert.equal(warnings.length, lacks === null ? 0 : 1, `${title}: ${warnings.join("; ")}`);
    if (lacks !== null) {
      assert.match(warnings[0], new RegExp(`lacks the certificate of "CN=${lacks}", which .* "CN=localhost"`));
    }
  }
});

Deno.test("loadCertificate() refuses keys that some engine cannot use", async () => {
  await using files = await pair({ key: "RSA-1024" });
  assert.match((await load(files.cert, files.key)).errors[0], /": RSA 1024 is not supported: RSA of 2048 to 8192 bits/);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "secp256k1" });
  const path = await files.directory.write("k", privateKey.export({ type: "pkcs8", format: "pem" }));
  assert.match((await load(files.cert, path)).errors[0], /secp256k1 is not supported|of a kind that is not supported/);
});

Deno.test("loadCertificate() refuses a key of another certificate", async () => {
  await using files = await pair({ commonName: "mine" });
  for (const kind of ["P-256", "RSA-2048"] as const) {
    const other = await makeCertificate({ key: kind });
    const key = await files.directory.write("other", other.key);
    assert.deepEqual((await load(files.cert, key)).errors, [
      `Private key "${key}" belongs to another certificate than "${files.cert}" ("CN=mine")`,
    ]);
    const two = await files.directory.write("two", files.made.cert + (await makeCertificate()).cert);
    assert.match(
      (await load(two, key)).errors[0],
      /belongs to none of the 2 certificates in .*\(the first is "CN=mine"\)$/,
    );
  }
});

Deno.test("loadCertificate() wants the chain in its order, and names it", async () => {
  await using directory = await makeTemporaryDirectory();
  const root = await makeCertificate({ commonName: "root", ca: true });
  const intermediate = await makeCertificate({ commonName: "intermediate", ca: true, issuer: root });
  const leaf = await makeCertificate({ commonName: "leaf", dnsNames: ["localhost"], issuer: intermediate });
  const key = await directory.write("key", leaf.key);
  const attempt = async (...order: { cert: string }[]) =>
    await load(await directory.write("chain", order.map(({ cert }) => cert).join("")), key);

  for (const order of [[leaf], [leaf, intermediate], [leaf, intermediate, root]]) {
    const { loaded, problems } = await attempt(...order);
    assert.deepEqual(problems, []);
    assert.equal(loaded!.material.cert, order.map(({ cert }) => cert).join(""));
  }
  for (const order of [[root, intermediate, leaf], [leaf, root, intermediate], [intermediate, leaf, root]]) {
    const { loaded, errors } = await attempt(...order);
    assert.equal(loaded, null);
    assert.deepEqual(errors, [
      `Certificates in "${join(directory.path, "chain")}" are in the wrong order: ` +
      'must be "CN=leaf", then "CN=intermediate", then "CN=root"',
    ]);
  }
  const stranger = await makeCertificate({ commonName: "stranger", ca: true });
  const { loaded, warnings } = await attempt(leaf, stranger, intermediate, leaf);
  assert.ok(loaded);
  assert.match(warnings[0], /number 2 in .* \("CN=stranger"\) is not part of the chain of "CN=leaf"$/);
  assert.match(warnings[1], /number 4 in .* is the same as number 1$/);
  // The name of an issuer alone does not make one.
  const impostor = await makeCertificate({ commonName: "intermediate", ca: true });
  assert.match((await attempt(leaf, impostor)).warnings[0], /number 2 .* is not part of the chain/);
});

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

Deno.test("loadCertificate() warns of a key that every user can read, not of one its group can", async () => {
  await using files = await pair();
  const { write } = files.directory;
  const open = await load(files.cert, await write("k", files.made.key, 0o644));
  assert.ok(open.loaded);
  assert.match(open.warnings[0], /^Private key ".*k" can be read by every user \(mode 0644\): use 0640 or 0600$/);
  assert.deepEqual((await load(files.cert, await write("k", files.made.key, 0o640))).problems, []);
  const both = await write("both", files.made.cert + files.made.key, 0o644);
  assert.match((await load(both, files.key)).warnings[0], /holds a private key too, and every user can read it$/);
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
