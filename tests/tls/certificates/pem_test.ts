import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readPem, writePem } from "../../../src/tls/certificates/pem.ts";
import { toSec1 } from "../../../src/tls/certificates/sec1_key.ts";

const A = writePem("CERTIFICATE", Uint8Array.from({ length: 100 }, (_, i) => i));
const B = writePem("PRIVATE KEY", Uint8Array.of(1, 2, 3));

Deno.test("readPem() reads blocks in their order and ignores text around them", () => {
  const blocks = readPem(`Certificate:\n    Serial: 4a:5b\n${A}\nsome words\n${B}trailing`);
  assert.deepEqual(blocks.map(({ label, der }) => [label, der.length]), [["CERTIFICATE", 100], ["PRIVATE KEY", 3]]);
  assert.deepEqual([...blocks[1].der], [1, 2, 3]);
});

Deno.test("readPem() takes CRLF, CR, a byte order mark, indentation and one long line", () => {
  const long = A.split("\n");
  const single = `${long[0]}\n${long.slice(1, -2).join("")}\n${long.at(-2)}`;
  for (
    const text of [A.replaceAll("\n", "\r\n"), A.replaceAll("\n", "\r"), `\uFEFF${A}`, A.replace(/^/gm, "  "), single]
  ) {
    assert.equal(readPem(text)[0]?.der.length, 100, JSON.stringify(text));
  }
});

Deno.test("readPem() keeps the header lines of a legacy encrypted key", () => {
  const [block] = readPem(
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n\nAQID\n-----END RSA PRIVATE KEY-----\n",
  );
  assert.equal(block.headers, "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00FF\n");
  assert.deepEqual([...block.der], [1, 2, 3]);
  assert.equal(readPem(B)[0].headers, "");
});

Deno.test("readPem() refuses a block that is cut short", () => {
  assert.throws(() => readPem(A + B.replace(/-----END.*/, "")), /^SyntaxError: block 2 \("PRIVATE KEY"\) is cut short/);
  assert.throws(
    () => readPem(A.replace(/-----END.*\n/, "") + B),
    /block 1 \("CERTIFICATE"\) is cut short: the next begins/,
  );
});

Deno.test("readPem() refuses another label at the end, and what is not base64", () => {
  assert.throws(() => readPem(A.replace("END CERTIFICATE", "END KEY")), /block 1 \("CERTIFICATE"\) ends as "KEY"/);
  assert.throws(() => readPem(B.replace("AQID", "A$ID")), /block 1 \("PRIVATE KEY"\) is not base64/);
  assert.throws(() => readPem(B.replace("AQID", "")), /is not base64/);
});

Deno.test("readPem() answers nothing for text without a block", () => assert.deepEqual(readPem("hello\n"), []));

Deno.test("readPem() takes time in proportion to its input", () => {
  // Quadratic time would be minutes.
  assert.throws(() => readPem("-----BEGIN A-----\n".repeat(50_000)), /is cut short/);
  assert.throws(() => readPem("-----BEGIN A-----\n" + "A:".repeat(500_000)), SyntaxError);
});

const pkcs8 = (key: KeyObject) => key.export({ type: "pkcs8", format: "pem" }) as string;

for (const namedCurve of ["P-256", "P-384", "P-521"]) {
  Deno.test(`toSec1() writes the same key of ${namedCurve} in the other form`, () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve });
    const text = toSec1(pkcs8(privateKey));
    assert.match(text, /^-----BEGIN EC PRIVATE KEY-----\n/);
    assert.equal(text, privateKey.export({ type: "sec1", format: "pem" }));
    assert.equal(pkcs8(createPrivateKey(text)), pkcs8(privateKey));
    assert.equal(toSec1(text), text);
  });
}

Deno.test("toSec1() leaves keys of other kinds as they are", () => {
  for (const { privateKey } of [generateKeyPairSync("ed25519"), generateKeyPairSync("rsa", { modulusLength: 2048 })]) {
    assert.equal(toSec1(pkcs8(privateKey)), pkcs8(privateKey));
  }
});
