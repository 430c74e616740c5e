import assert from "node:assert/strict";
import { loadAcmeSettings } from "../../src/acme/settings.ts";
import { buildAcmeConfig } from "../../src/config/load.ts";
import { Problems } from "../../src/config/problem.ts";
import { TempDir, testCertificate } from "../support/proxies/proxy.ts";

Deno.test("loadAcmeSettings() reads the authority's certificates and the external account's key, in either base64", async () => {
  using dir = new TempDir();
  const { cert } = await testCertificate();
  Deno.writeTextFileSync(dir.file("ca.pem"), `# a remark\n${cert}`);
  const config = { ...buildAcmeConfig(dir.path), ca: dir.file("ca.pem"), eabKid: "k", eabKeyFile: dir.file("eab") };
  for (const text of ["-_-_AAAAAAAAAAAAAAAAAA\n", "+/+/AAAAAAAAAAAAAAAAAA==\n"]) {
    Deno.writeTextFileSync(dir.file("eab"), text);
    const problems = new Problems();
    const settings = await loadAcmeSettings(config, problems);
    assert.deepEqual(problems.found, []);
    assert.equal(settings!.ca, cert);
    assert.deepEqual([...settings!.externalAccount!.hmacKey.slice(0, 3)], [0xfb, 0xff, 0xbf]);
  }
});

Deno.test("loadAcmeSettings() says what is wrong with each file in one line, and never shows the key", async () => {
  using dir = new TempDir();
  const config = { ...buildAcmeConfig(dir.path), ca: dir.file("ca.pem"), eabKid: "k", eabKeyFile: dir.file("eab") };
  const tell = async () => {
    const problems = new Problems();
    assert.equal(await loadAcmeSettings(config, problems), null);
    return problems.found.map(({ message }) => message);
  };
  assert.match(
    (await tell()).join("|"),
    /^Cannot load CA certificates ".*ca\.pem": [^|]*\|eab-key-file ".*eab": cannot read the external account's key: /,
  );
  Deno.writeTextFileSync(dir.file("ca.pem"), (await testCertificate()).key);
  Deno.writeTextFileSync(dir.file("eab"), "not base64, but a secret!");
  const lines = await tell();
  assert.match(lines[0], /no certificate in it: it holds a private key/);
  assert.match(lines[1], /it is not one line of base64url/);
  assert.ok(lines.every((line) => !line.includes("secret") && !line.includes("\n")));
});
