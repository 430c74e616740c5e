import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { cert } from "../../src/cli/cert.ts";
import { loadCertificate } from "../../src/tls/certificates/certificates.ts";
import { Problems } from "../../src/config/problem.ts";
import { makeTemporaryDirectory } from "../tls/temporary_directory.ts";

Deno.test("cert() writes a pair that loads without a problem, its key for the owner alone", async () => {
  await using directory = await makeTemporaryDirectory();
  const out = join(directory.path, "a", "b");
  const lines: string[] = [];
  await cert({ out, hosts: [] }, (line) => lines.push(line));
  const [certPath, keyPath] = [join(out, "cert.pem"), join(out, "key.pem")];
  assert.equal((await stat(keyPath)).mode & 0o777, 0o600);
  const problems = new Problems();
  const loaded = await loadCertificate(
    { path: [], cert: certPath, key: keyPath, keyPassphraseFile: "", names: [] },
    Date.now(),
    problems,
  );
  assert.deepEqual(problems.found, []);
  assert.deepEqual(loaded!.material.names, ["localhost"]);
  const output = lines.join("\n");
  for (const part of [certPath, keyPath, "localhost, 127.0.0.1, ::1", "0600", `--cacert ${certPath}`]) {
    assert.ok(output.includes(part), part);
  }
  assert.doesNotMatch(output, /PRIVATE|MIG/);
});

Deno.test("cert() leaves files that are there alone, both of them", async () => {
  for (const name of ["cert.pem", "key.pem"]) {
    await using directory = await makeTemporaryDirectory();
    const path = await directory.write(name, "mine");
    await assert.rejects(cert({ out: directory.path, hosts: ["a.example"] }, () => {}), {
      message: `Cannot write "${path}": file exists, and --force was not given`,
    });
    assert.deepEqual(await readdir(directory.path), [name]);
    assert.equal(await readFile(path, "utf8"), "mine");
  }
});

Deno.test("cert() with force replaces both files and the key's mode, and leaves nothing else", async () => {
  await using directory = await makeTemporaryDirectory();
  const key = await directory.write("key.pem", "mine", 0o666);
  await directory.write("cert.pem", "mine");
  await cert({ out: directory.path, hosts: ["a.example"], force: true }, () => {});
  assert.equal((await stat(key)).mode & 0o777, 0o600);
  assert.match(await readFile(key, "utf8"), /^-----BEGIN PRIVATE KEY-----\n/);
  assert.match(await readFile(join(directory.path, "cert.pem"), "utf8"), /^-----BEGIN CERTIFICATE-----\n/);
  assert.deepEqual((await readdir(directory.path)).sort(), ["cert.pem", "key.pem"]);
});

Deno.test("cert() says where it cannot write, and leaves nothing behind", async () => {
  await using directory = await makeTemporaryDirectory();
  const file = await directory.write("file", "");
  await assert.rejects(cert({ out: join(file, "x"), hosts: [] }, () => {}), {
    message: `Cannot write "${join(file, "x")}": a part of its path is not a directory`,
  });
  await assert.rejects(cert({ out: directory.path, hosts: ["a b"] }, () => {}), TypeError);
  await mkdir(join(directory.path, "d", "cert.pem"), { recursive: true });
  await assert.rejects(cert({ out: join(directory.path, "d"), hosts: [], force: true }, () => {}), {
    message: `Cannot write "${join(directory.path, "d", "cert.pem")}": is a directory`,
  });
  assert.deepEqual(await readdir(join(directory.path, "d")), ["cert.pem"]);
  assert.deepEqual((await readdir(directory.path)).sort(), ["d", "file"]);
});
