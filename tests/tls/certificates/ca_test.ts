import assert from "node:assert/strict";
import { loadCaBundle } from "../../../src/tls/certificates/ca.ts";
import { type Problem, Problems } from "../../../src/config/problem.ts";
import { basicConstraints, build, commonName, generateKeys } from "../../support/certificates/certificate_builder.ts";
import { makeCertificate } from "../make_certificates.ts";
import { makeTemporaryDirectory } from "../temporary_directory.ts";

const DAY_MS = 86_400_000;

async function load(path: string): Promise<{ pem: string | null; problems: readonly Problem[] }> {
  const problems = new Problems();
  return { pem: await loadCaBundle(path, Date.now(), problems), problems: problems.found };
}

Deno.test("loadCaBundle() answers every certificate of the file, without what stands between them", async () => {
  await using directory = await makeTemporaryDirectory();
  const [a, b] = [
    await makeCertificate({ ca: true, commonName: "a" }),
    await makeCertificate({ ca: true, commonName: "b" }),
  ];
  const path = await directory.write("ca", `# a\n${a.cert}\n# b\n${b.cert}`);
  assert.deepEqual(await load(path), { pem: a.cert + b.cert, problems: [] });
});

Deno.test("loadCaBundle() refuses a missing file, one without a certificate, and one with a key", async () => {
  await using directory = await makeTemporaryDirectory();
  const { cert, key } = await makeCertificate({ ca: true });
  const missing = `${directory.path}/missing`;
  const path = `${directory.path}/ca`;
  const attempt = async (content: string) => {
    const { pem, problems } = await load(await directory.write("ca", content));
    assert.equal(pem, null);
    return problems;
  };
  assert.deepEqual((await load(missing)).problems.map(({ severity, message }) => ({ severity, message })), [
    { severity: "error", message: `Cannot load CA certificates "${missing}": file not found` },
  ]);
  assert.match((await attempt(key))[0].message, /no certificate in it: it holds a private key$/);
  assert.match((await attempt(""))[0].message, /file is empty$/);
  assert.deepEqual((await attempt(cert + key)).map(({ message }) => message), [
    `Cannot load CA certificates "${path}": it holds a private key too, which is not needed here`,
  ]);
});

Deno.test("loadCaBundle() warns of a CA that has expired, is not valid yet, is no CA, or lacks its issuer", async () => {
  await using directory = await makeTemporaryDirectory();
  const root = await makeCertificate({ ca: true, commonName: "root" });
  const cases: [Parameters<typeof makeCertificate>[0], RegExp][] = [
    [
      { ca: true, notBefore: 0, notAfter: Date.now() - DAY_MS },
      /^CA certificate "CN=x" in ".*" expired on .*: its clients/,
    ],
    [{ ca: true, notBefore: Date.now() + DAY_MS }, /^CA certificate "CN=x" in ".*" is not valid before /],
    [{ ca: false }, /^"CN=x" in ".*" is not marked as a CA: the clients that it signed are refused$/],
    [{ ca: true, issuer: root }, /^CA certificate "CN=x" in ".*" lacks its issuer: Bun and Node refuse its clients$/],
  ];
  for (const [options, message] of cases) {
    const { cert } = await makeCertificate({ commonName: "x", ...options });
    const { pem, problems } = await load(await directory.write("ca", cert));
    assert.equal(pem, cert);
    assert.deepEqual(problems.map(({ severity }) => severity), ["warning"]);
    assert.match(problems[0].message, message);
  }
  const intermediate = await makeCertificate({ ca: true, commonName: "x", issuer: root });
  assert.deepEqual((await load(await directory.write("ca", intermediate.cert + root.cert))).problems, []);
});

Deno.test("loadCaBundle() refuses more authorities than a handshake can name, and looks at many in little time", async () => {
  await using directory = await makeTemporaryDirectory();
  const keys = generateKeys("P-256");
  const authority = (index: number) =>
    build({ subject: commonName(`authority ${index} ${"x".repeat(60)}`), keys, extensions: [basicConstraints(true)] });
  const many = Array.from({ length: 800 }, (_, index) => authority(index).pem);
  const fine = await load(await directory.write("fine", many.slice(0, 500).join("")));
  assert.notEqual(fine.pem, null);
  const { pem, problems } = await load(await directory.write("many", many.join("")));
  assert.equal(pem, null);
  assert.match(problems.at(-1)!.message, /names of its 800 authorities take \d+ bytes, and 65535 fit into a handshake/);
});

Deno.test("loadCaBundle() warns of an authority whose key is too weak to vouch for anybody", async () => {
  await using directory = await makeTemporaryDirectory();
  const weak = build({ subject: commonName("weak"), key: "RSA-1024", extensions: [basicConstraints(true)] });
  const { problems } = await load(await directory.write("weak", weak.pem));
  assert.deepEqual(problems.map(({ severity }) => severity), ["warning"]);
  assert.match(problems[0].message, /"CN=weak".* vouches for nobody: its RSA key has 1024 bits/);
});
