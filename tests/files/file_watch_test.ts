import assert from "node:assert/strict";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { FileWatch, fingerprint } from "../../src/files/file_watch.ts";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

/** The test looks itself. */
const NEVER_MS = 1_000_000;

/** Fails where the proxy shows another certificate. */
async function assertServed(proxy: Proxy, cert: string): Promise<void> {
  const client = await proxy.connect({ caCerts: [cert] });
  try {
    await client.write(Uint8Array.of(1));
    await readExactly(client, 1);
  } finally {
    client.close();
  }
}

/** A watch that looks only when told to. */
async function openWatch(file: string): Promise<{ watch: FileWatch; changes: () => number } & Disposable> {
  let changes = 0;
  const watch = new FileWatch(() => Promise.resolve(changes++), NEVER_MS);
  watch.watch([file], await fingerprint([file]));
  return { watch, changes: () => changes, [Symbol.dispose]: () => watch.stop() };
}

Deno.test("FileWatch tells of each change once, when it has come to rest", async () => {
  using dir = new TempDir();
  const file = dir.file("a");
  Deno.writeTextFileSync(file, "0");
  using opened = await openWatch(file);
  const { watch, changes } = opened;
  for (let count = 0; count < 4; count++) await watch.look();
  assert.equal(changes(), 0);
  for (let step = 1; step <= 30; step++) {
    Deno.writeTextFileSync(file, "x".repeat(step + 1));
    await watch.look();
    assert.equal(changes(), 0, "in the middle of a burst");
  }
  await watch.look();
  assert.equal(changes(), 1);
  for (let count = 0; count < 4; count++) await watch.look();
  assert.equal(changes(), 1, "once for one burst");
  Deno.removeSync(file);
  await watch.look();
  assert.equal(changes(), 1);
  await watch.look();
  assert.equal(changes(), 2, "the removal");
});

Deno.test("FileWatch looks by itself from time to time, until it is stopped", async () => {
  using dir = new TempDir();
  const file = dir.file("a");
  Deno.writeTextFileSync(file, "0");
  const changed = Promise.withResolvers<void>();
  const watch = new FileWatch(() => Promise.resolve(changed.resolve()), 1);
  watch.watch([file], await fingerprint([file]));
  Deno.writeTextFileSync(file, "changed");
  await changed.promise;
  // A timer that was left would fail the test.
  watch.stop();
});

Deno.test("FileWatch follows symlinks, of the file and of a directory on the way", async () => {
  using dir = new TempDir();
  for (const version of ["1", "2", "3"]) {
    Deno.mkdirSync(dir.file(`v${version}`));
    Deno.writeTextFileSync(dir.file(`v${version}/tls.crt`), version);
  }
  const swap = (name: string, target: string) => {
    Deno.symlinkSync(target, dir.file(`${name}.new`));
    Deno.renameSync(dir.file(`${name}.new`), dir.file(name));
  };
  swap("..data", "v1");
  swap("tls.crt", "..data/tls.crt");
  using opened = await openWatch(dir.file("tls.crt"));
  const { watch, changes } = opened;
  const lookTwice = async () => {
    await watch.look();
    await watch.look();
  };
  swap("..data", "v2");
  await lookTwice();
  assert.equal(changes(), 1, "the directory's swap");
  swap("tls.crt", "v3/tls.crt");
  await lookTwice();
  assert.equal(changes(), 2, "the file's swap");
});

Deno.test("FileWatch tells of what changed between reading the files and watching them", async () => {
  using dir = new TempDir();
  const file = dir.file("a");
  Deno.writeTextFileSync(file, "read");
  const loaded = await fingerprint([file]);
  Deno.writeTextFileSync(file, "written since");
  let changes = 0;
  const watch = new FileWatch(() => Promise.resolve(changes++), NEVER_MS);
  watch.watch([file], loaded);
  await watch.look();
  await watch.look();
  assert.equal(changes, 1);
  // Whoever has read them anew says so.
  Deno.writeTextFileSync(file, "and once more");
  watch.watch([file], await fingerprint([file]));
  for (let count = 0; count < 4; count++) await watch.look();
  assert.equal(changes, 1);
  watch.stop();
});

Deno.test('reload = "watch" serves a new certificate by itself, and keeps the old while the files do not fit', async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { reload: "watch" } });
  const serves = (cert: string) => assertServed(proxy, cert);
  const { cert, key } = await makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] });
  Deno.writeTextFileSync(dir.file("cert.pem"), cert.slice(0, 300));
  await proxy.program.record(({ event }) => event === "reload-failed");
  await serves(proxy.cert);
  Deno.writeTextFileSync(dir.file("cert.pem"), cert);
  Deno.writeTextFileSync(dir.file("key.pem"), key);
  const { cause } = await proxy.program.record(({ event }) => event === "reload");
  assert.equal(cause, "files changed");
  await serves(cert);
  await assert.rejects(serves(proxy.cert));
});

Deno.test('reload = "watch" follows a Kubernetes secret through a burst of versions, half-written ones too', async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const versions = await Promise.all(
    Array.from({ length: 6 }, () => makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] })),
  );
  // As the kubelet does: a directory for each version, one link to it that is swapped, and links through that.
  const publish = (version: number, { cert, key }: { cert: string; key: string } = versions[version]) => {
    const name = `..version${version}${crypto.randomUUID()}`;
    Deno.mkdirSync(dir.file(name));
    Deno.writeTextFileSync(dir.file(`${name}/tls.crt`), cert);
    Deno.writeTextFileSync(dir.file(`${name}/tls.key`), key);
    Deno.symlinkSync(name, dir.file("..data_tmp"));
    Deno.renameSync(dir.file("..data_tmp"), dir.file("..data"));
  };
  publish(0);
  for (const file of ["tls.crt", "tls.key"]) Deno.symlinkSync(`..data/${file}`, dir.file(file));
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { reload: "watch", workers: 2 },
    listener: { cert: "tls.crt", key: "tls.key" },
  });
  await assertServed(proxy, versions[0].cert);
  const reloads = (event: string) => proxy.program.records.filter((record) => record.event === event).length;
  for (let version = 1; version < 5; version++) publish(version);
  await until(() => reloads("reload") >= 1, "the burst is served");
  await assertServed(proxy, versions[4].cert);
  assert.ok(reloads("reload") <= 2, `${reloads("reload")} reloads for one burst`);
  publish(5, { cert: versions[5].cert, key: versions[5].key.slice(0, 100) });
  await until(() => reloads("reload-failed") === 1, "the half-written key is refused");
  await assertServed(proxy, versions[4].cert);
  const before = reloads("reload");
  publish(5);
  await until(() => reloads("reload") === before + 1, "the whole key is taken");
  await assertServed(proxy, versions[5].cert);
  const keys = versions.map(({ key }) => key.split("\n")[1]);
  const said = JSON.stringify(proxy.program.records);
  assert.ok(!keys.some((key) => said.includes(key)), "a key is in the log");
});
