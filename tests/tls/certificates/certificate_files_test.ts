import assert from "node:assert/strict";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { readPem } from "../../../src/tls/certificates/pem.ts";
import { makeTemporaryDirectory } from "../temporary_directory.ts";
import { load, pair } from "./load_certificates.ts";

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
