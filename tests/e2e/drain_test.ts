import assert from "node:assert/strict";
import { Backend, echo, readAll, readExactly, silent, writeAll } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { patternBytes } from "../support/random.ts";
import { until } from "../support/wait.ts";

async function isRefused(proxy: Proxy): Promise<boolean> {
  try {
    (await proxy.connectTcp()).close();
    return false;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return true;
    throw error;
  }
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  Deno.test(`proxy drains on ${signal}: transfers end whole, new clients are refused, exit 0`, async () => {
    using dir = new TempDir();
    const chunk = patternBytes(100_000);
    const pieces = 50;
    const draining = Promise.withResolvers<void>();
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      await conn.read(new Uint8Array(1));
      for (let sent = 0; sent < pieces / 2; sent++) await writeAll(conn, chunk);
      await draining.promise;
      for (let sent = pieces / 2; sent < pieces; sent++) await writeAll(conn, chunk);
    });
    await using proxy = await Proxy.start(dir, backend.address);
    const clients = await Promise.all(Array.from({ length: 10 }, () => proxy.connect()));
    for (const client of clients) await client.write(Uint8Array.of(1));
    for (const client of clients) await readExactly(client, 1);
    proxy.program.signal(signal);
    await proxy.program.record(({ event }) => event === "drain");
    await until(() => isRefused(proxy), "new clients are refused");
    draining.resolve();
    for (const client of clients) {
      assert.equal((await readAll(client)).length, chunk.length * pieces - 1);
      client.close();
    }
    assert.equal(await proxy.program.exit(), 0);
    // A client that only looked whether new ones are refused may have been accepted before, and has sent nothing.
    assert.equal(proxy.program.connections().filter(({ bytes_in }) => Number(bytes_in) > 0).length, 10);
  });
}

Deno.test("proxy cuts what has not ended when the grace is over, and exits 3", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), silent);
  await using proxy = await Proxy.start(dir, backend.address, { config: { shutdown: { grace: "1s" } } });
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1));
  await until(() => backend.open === 1, "it has come to the application");
  proxy.program.signal("SIGTERM");
  await client.read(new Uint8Array(1)).catch(() => null);
  assert.equal(await proxy.program.exit(), 3);
  assert.deepEqual(proxy.program.connections().map(({ reason }) => reason), ["drain"]);
  client.close();
});

Deno.test("proxy stops now on a second signal", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), silent);
  await using proxy = await Proxy.start(dir, backend.address, { config: { shutdown: { grace: "10m" } } });
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1));
  await until(() => backend.open === 1, "it has come to the application");
  // The same signal soon after is the same request: one Ctrl-C arrives twice below npx. Both are sent at once, so that
  // a busy machine does not keep them apart.
  proxy.program.signal("SIGTERM");
  proxy.program.signal("SIGTERM");
  const waiting = await proxy.program.record(({ event }) => event === "drain-waiting");
  assert.equal(waiting.msg, "waiting up to 600 s for 1 connection; a second signal stops at once");
  assert.equal(waiting.active, 1);
  await client.write(Uint8Array.of(1));
  proxy.program.signal("SIGINT");
  assert.equal(await proxy.program.exit(), 3);
  assert.equal(proxy.program.records.filter(({ event }) => event === "stop-now").length, 1);
  client.close();
});

Deno.test("proxy without connections exits 0 at once on a signal", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { shutdown: { grace: "10m" } } });
  proxy.program.signal("SIGINT");
  assert.equal(await proxy.program.exit(), 0);
});
