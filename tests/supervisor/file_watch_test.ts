import assert from "node:assert/strict";
import { makeSelfSigned } from "../../src/tls/self_signed.ts";
import { FileWatch } from "../../src/supervisor/file_watch.ts";
import { Backend, echo, readExactly } from "../support/backend.ts";
import { Proxy, TempDir } from "../support/proxy.ts";
import { pause, until } from "../support/wait.ts";

const POLL_MS = 50;

Deno.test("FileWatch tells of each change once, when it has come to rest", async () => {
  using dir = new TempDir();
  const file = dir.file("a");
  Deno.writeTextFileSync(file, "0");
  let changes = 0;
  const watch = new FileWatch(() => Promise.resolve(changes++), POLL_MS);
  await watch.watch([file]);
  await pause(4 * POLL_MS);
  assert.equal(changes, 0);
  for (let step = 1; step <= 30; step++) {
    Deno.writeTextFileSync(file, "x".repeat(step));
    await pause(10);
  }
  assert.ok(changes <= 1, `${changes} in the middle of a burst`);
  await until(() => changes >= 1, "the burst is noticed");
  await pause(6 * POLL_MS);
  assert.ok(changes <= 2, `${changes} for one burst`);
  const before = changes;
  await pause(4 * POLL_MS);
  assert.equal(changes, before);
  Deno.removeSync(file);
  await until(() => changes === before + 1, "the removal is noticed");
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
  let changes = 0;
  const watch = new FileWatch(() => Promise.resolve(changes++), POLL_MS);
  await watch.watch([dir.file("tls.crt")]);
  swap("..data", "v2");
  await until(() => changes === 1, "the directory's swap is noticed");
  swap("tls.crt", "v3/tls.crt");
  await until(() => changes === 2, "the file's swap is noticed");
  watch.stop();
});

Deno.test('reload = "watch" serves a new certificate by itself, and keeps the old while the files do not fit', async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { reload: "watch" } });
  const serves = async (cert: string) => {
    const client = await Deno.connectTls({ hostname: "127.0.0.1", port: proxy.port, caCerts: [cert] });
    try {
      await client.write(Uint8Array.of(1));
      await readExactly(client, 1);
    } finally {
      client.close();
    }
  };
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
