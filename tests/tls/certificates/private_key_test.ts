import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { loadPrivateKey } from "../../../src/tls/certificates/private_key.ts";
import { writePem } from "../../../src/tls/certificates/pem.ts";
import { Problems } from "../../../src/config/problem.ts";
import { der, oid, sequence } from "../../support/certificates/certificate_builder.ts";
import { makeCertificate } from "../make_certificates.ts";
import { load, pair, PASSPHRASE } from "./load_certificates.ts";

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
