import assert from "node:assert/strict";
import { Backend, echo, readExactly, silent, writeAll } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { patternBytes } from "../support/random.ts";
import { until } from "../support/wait.ts";

Deno.test("drain lets 20 transfers of 50 MB arrive whole, refuses new clients, and ends with 0", async () => {
  using dir = new TempDir();
  const chunk = patternBytes(1_000_000);
  const pieces = 50;
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    await conn.read(new Uint8Array(1));
    for (let sent = 0; sent < pieces; sent++) await writeAll(conn, chunk);
    await conn.closeWrite();
    await conn.read(new Uint8Array(1));
  });
  await using proxy = await Proxy.start(dir, backend.address, { config: { workers: 2, shutdown: { grace: "2m" } } });
  const clients = await Promise.all(Array.from({ length: 20 }, () => proxy.connect()));
  for (const client of clients) await client.write(Uint8Array.of(1));
  for (const client of clients) assert.deepEqual(await readExactly(client, 1), chunk.subarray(0, 1));
  proxy.program.signal("SIGTERM");
  await proxy.program.record(({ event }) => event === "drain");
  let refused = false;
  await until(() => {
    proxy.connectTcp().then((conn) => conn.close(), () => refused = true);
    return refused;
  }, "new clients are refused");
  await Promise.all(clients.map(async (client) => {
    assert.deepEqual(await readExactly(client, chunk.length - 1), chunk.subarray(1));
    for (let piece = 1; piece < pieces; piece++) assert.deepEqual(await readExactly(client, chunk.length), chunk);
    assert.equal(await client.read(new Uint8Array(1)), null);
    client.close();
  }));
  assert.equal(await proxy.program.exit(60_000), 0);
});

Deno.test("drain cuts the transfer of one worker that never ends, and the proxy ends with 3", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), silent);
  await using proxy = await Proxy.start(dir, backend.address, { config: { workers: 2, shutdown: { grace: "1s" } } });
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1));
  await until(() => backend.open === 1, "it is served");
  proxy.program.signal("SIGTERM");
  assert.equal(await proxy.program.exit(), 3);
  assert.deepEqual(proxy.program.connections().map(({ reason }) => reason), ["drain"]);
  client.close();
});

for (const workers of [1, 2]) {
  Deno.test(`drain serves those who wait in the accept queue, ${workers} workers`, async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, { config: { workers, shutdown: { grace: "1m" } } });
    const clients: Promise<Deno.TlsConn>[] = [];
    const connecting = Array.from({ length: 300 }, async () => {
      try {
        const tcp = await proxy.connectTcp();
        // The drain would not wait for a client that has sent nothing.
        clients.push(Deno.startTls(tcp, { hostname: "localhost", caCerts: [proxy.cert] }));
      } catch {
        // This client came too late.
      }
    });
    await until(() => clients.length >= 50, "some are connected");
    proxy.program.signal("SIGTERM");
    await Promise.all(connecting);
    // Every client that is connected is served, and none is reset.
    await Promise.all(clients.map(async (started) => {
      const client = await started;
      await client.write(Uint8Array.of(1, 2));
      assert.deepEqual(await readExactly(client, 2), Uint8Array.of(1, 2));
      client.close();
    }));
    assert.equal(await proxy.program.exit(), 0);
  });
}
