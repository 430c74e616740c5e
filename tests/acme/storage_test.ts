import assert from "node:assert/strict";
import * as fs from "node:fs/promises";
import { type FileSteps, writeAtomically } from "../../src/acme/atomic_file.ts";
import { AcmeStorage } from "../../src/acme/storage.ts";
import { storageProblem } from "../../src/acme/storage_folder.ts";
import { certificateId, findStored, readStored } from "../../src/acme/stored_certificate.ts";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { TempDir } from "../support/proxies/proxy.ts";

const open = (path: string) => AcmeStorage.open(path);
const modeOf = (path: string) => Deno.statSync(path).mode! & 0o777;
const DIRECTORY = "https://ca.example/dir";
const REQUEST = { names: ["a.example"], directory: DIRECTORY, profile: "" };

Deno.test("the storage makes its folders for its owner alone, and its files too", async () => {
  using dir = new TempDir();
  const path = dir.file("deep/acme");
  const storage = await open(path);
  const key = await storage.accountKey(DIRECTORY, "");
  await storage.saveState("a", { notBeforeMs: 1, failures: 2, lastError: "x" }, REQUEST);
  await storage.saveChallenges([{ serverName: "a.example", cert: "c", key: "k" }]);
  await storage.saveCertificate("a", { keyPem: "k", chainPem: "c" });
  for (const entry of Deno.readDirSync(path)) {
    assert.equal(modeOf(`${path}/${entry.name}`), 0o700, entry.name);
    for (const file of Deno.readDirSync(`${path}/${entry.name}`)) {
      assert.equal(modeOf(`${path}/${entry.name}/${file.name}`), 0o600, file.name);
    }
  }
  const again = await open(path);
  assert.equal((await again.accountKey(DIRECTORY, "")).thumbprint, key.thumbprint);
  assert.notEqual((await again.accountKey(DIRECTORY, "other")).thumbprint, key.thumbprint);
  assert.deepEqual(await again.readState("a"), { notBeforeMs: 1, failures: 2, lastError: "x" });
  assert.deepEqual(await again.readChallenges(), [{ serverName: "a.example", cert: "c", key: "k" }]);
});

Deno.test("a storage that others can write to, or that is none, is refused in one line", async () => {
  using dir = new TempDir();
  await open(dir.file("acme"));
  Deno.chmodSync(dir.file("acme"), 0o777);
  await assert.rejects(
    open(dir.file("acme")),
    /^Error: Cannot keep certificates in ".*": other users can write .*0777/,
  );
  Deno.chmodSync(dir.file("acme"), 0o700);
  Deno.chmodSync(dir.file("acme/certificates"), 0o720);
  await assert.rejects(open(dir.file("acme")), /other users can write to .*certificates/);
  Deno.writeTextFileSync(dir.file("file"), "");
  await assert.rejects(open(dir.file("file")), /Cannot keep certificates in/);
});

Deno.test({
  name: `a storage of another user is refused, which could change what is in it${
    Deno.uid() === 0 ? "" : " [needs root]"
  }`,
  ignore: Deno.uid() !== 0,
  async fn() {
    using dir = new TempDir();
    await open(dir.file("acme"));
    Deno.chownSync(dir.file("acme/locks"), 4711, 4711);
    const expected = /Cannot keep certificates in ".*": .*locks belongs to user 4711, who .* this is user 0$/;
    assert.match(await storageProblem(dir.file("acme")) ?? "", expected);
    await assert.rejects(open(dir.file("acme")), expected);
  },
});

Deno.test("a link to nowhere is no storage, and no pipe or device is read as a file of it", async () => {
  using dir = new TempDir();
  Deno.symlinkSync(dir.file("nowhere"), dir.file("link"));
  assert.match(await storageProblem(dir.file("link")) ?? "", /file not found/);
  const storage = await open(dir.path);
  for (const target of ["/dev/random", "/dev/zero"]) {
    Deno.symlinkSync(target, dir.file("challenges/a.json"));
    Deno.symlinkSync(target, dir.file("certificates/a.pem"));
    Deno.symlinkSync(target, dir.file("certificates/a.json"));
    assert.deepEqual(await storage.readChallenges(), []);
    assert.deepEqual(await storage.readState("a"), { notBeforeMs: 0, failures: 0, lastError: "" });
    assert.equal(await readStored(storage.certificatePath("a")), null);
    for (const name of ["challenges/a.json", "certificates/a.pem", "certificates/a.json"]) {
      Deno.removeSync(dir.file(name));
    }
  }
});

Deno.test("what a state or challenge file has that is no such thing counts as nothing", async () => {
  using dir = new TempDir();
  const storage = await open(dir.path);
  for (const text of ["", "null", "[]", "{", '{"failures":"x","serverName":1}']) {
    Deno.writeTextFileSync(dir.file("certificates/a.json"), text);
    Deno.writeTextFileSync(dir.file("challenges/a.json"), text);
    assert.deepEqual(await storage.readState("a"), { notBeforeMs: 0, failures: 0, lastError: "" });
    assert.deepEqual(await storage.readChallenges(), []);
  }
});

Deno.test("challenges of a process that died are removed after ten minutes", async () => {
  using dir = new TempDir();
  const storage = await open(dir.path);
  const challenge = { serverName: "a.example", cert: "c", key: "k" };
  await storage.saveChallenges([challenge]);
  const [{ name }] = Deno.readDirSync(dir.file("challenges"));
  const age = (seconds: number) => {
    const time = new Date(Date.now() - seconds * 1000);
    Deno.utimeSync(dir.file(`challenges/${name}`), time, time);
  };
  age(500);
  assert.deepEqual(await storage.readChallenges(), [challenge]);
  age(700);
  assert.deepEqual(await storage.readChallenges(), []);
  assert.deepEqual([...Deno.readDirSync(dir.file("challenges"))], []);
});

Deno.test("the server's names can't lead out of the storage", async () => {
  using dir = new TempDir();
  const storage = await open(dir.file("acme"));
  await storage.saveChallenges([{ serverName: "../../../evil/x", cert: "c", key: "k" }]);
  assert.equal([...Deno.readDirSync(dir.file("acme/challenges"))].length, 1);
  assert.match(certificateId({ names: ["../x", "y"], directory: "d", profile: "" }), /^_\.?_?[a-z._-]*x-[0-9a-f]{8}$/);
});

Deno.test("another directory, profile or list of names is another certificate; another order of names is not", () => {
  const id = (names: string[], directory = "d", profile = "") => certificateId({ names, directory, profile });
  assert.equal(id(["a", "b"]).slice(1), id(["b", "a"]).slice(1));
  assert.equal(new Set([id(["a"]), id(["a", "b"]), id(["a"], "e"), id(["a"], "d", "short")]).size, 4);
});

Deno.test("findStored() takes the certificate of the request, else the best for some of its names", async () => {
  using dir = new TempDir();
  const storage = await open(dir.path);
  const save = async (names: string[], profile = "", days = 30) => {
    const { cert, key } = await makeSelfSigned({ hosts: names, days });
    const id = certificateId({ names, directory: DIRECTORY, profile });
    await storage.saveCertificate(id, { keyPem: key, chainPem: cert });
    return storage.certificatePath(id);
  };
  const find = (names: string[], now = Date.now()) =>
    findStored(dir.path, { names, directory: DIRECTORY, profile: "" }, now).then((found) =>
      found && { path: found.certificate.path, isExact: found.isExact }
    );
  assert.equal(await find(["a.example"]), null);
  const other = await save(["a.example"], "short");
  const later = await save(["a.example", "c.example"], "", 60);
  assert.deepEqual(await find(["a.example", "b.example"]), { path: later, isExact: false });
  const both = await save(["a.example", "b.example"], "short", 10);
  assert.deepEqual(await find(["a.example", "b.example", "z.example"]), { path: both, isExact: false });
  assert.deepEqual(await find(["a.example", "c.example"]), { path: later, isExact: true });
  assert.equal(await find(["z.example"]), null);
  const inDays = (days: number) => Date.now() + days * 86_400_000;
  assert.deepEqual(await find(["a.example"], inDays(45)), { path: later, isExact: false });
  assert.equal(await find(["a.example"], inDays(70)), null);
  Deno.writeTextFileSync(later, "damaged");
  assert.deepEqual(await find(["a.example"]), { path: other, isExact: false });
});

/** File operations of which only so many succeed, as in a process that is killed. */
function dyingAfter(count: number): FileSteps {
  const step = async <T>(work: () => Promise<T>): Promise<T> => {
    if (count-- <= 0) throw new Error("killed");
    return await work();
  };
  return {
    open: ((...args: Parameters<typeof fs.open>) =>
      step(async () => {
        const file = await fs.open(...args);
        // A write may be cut in the middle.
        const { writeFile, sync } = file;
        file.writeFile = (data) =>
          step(() => writeFile.call(file, data)).catch(async (error) => {
            await writeFile.call(file, String(data).slice(0, 3));
            throw error;
          });
        file.sync = () => step(() => sync.call(file));
        return file;
      })) as typeof fs.open,
    rename: (from, to) => step(() => fs.rename(from, to)),
    unlink: (path) => step(() => fs.unlink(path)),
  };
}

Deno.test("a file is the old or the new one, whole, wherever its writer is killed", async () => {
  using dir = new TempDir();
  const path = dir.file("file");
  const found = new Set<string>();
  for (let count = 0; count < 10; count++) {
    Deno.writeTextFileSync(path, "old text");
    await writeAtomically(path, "new text", dyingAfter(count)).catch(({ message }) =>
      assert.match(message, /^(Cannot write .*: )?killed$/)
    );
    found.add(Deno.readTextFileSync(path));
  }
  assert.deepEqual([...found].sort(), ["new text", "old text"]);
});

Deno.test("what a killed writer left is removed an hour later, and nothing else", async () => {
  using dir = new TempDir();
  const storage = await open(dir.path);
  await storage.saveState("a", { notBeforeMs: 1, failures: 0, lastError: "" }, REQUEST);
  const left = dir.file(`certificates/.a.json.${crypto.randomUUID()}.new`);
  Deno.writeTextFileSync(left, "half");
  await open(dir.path);
  assert.ok(Deno.statSync(left).isFile);
  const longAgo = new Date(Date.now() - 4_000_000);
  Deno.utimeSync(left, longAgo, longAgo);
  await open(dir.path);
  assert.deepEqual([...Deno.readDirSync(dir.file("certificates"))].map(({ name }) => name), ["a.json"]);
});
