import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";
import { ADMIN, assertEcho, install, metric, reloadAmongImmortals } from "../support/reload_among_immortals.ts";
import { CONTENDERS } from "../support/proxies/runtimes.ts";

Deno.test("a reload ends no connection, whatever it changes, and tells how many are older", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  // With this grace a drain would cut them at once, which a reload must not.
  const config = { ...ADMIN, shutdown: { grace: 0 } };
  await using proxy = await Proxy.start(dir, backend.address, { config: { ...config, workers: 2 } });
  const listen = `127.0.0.1:${proxy.port}`;
  const changes: [what: string, config: Record<string, unknown>, ...listeners: Record<string, unknown>[]][] = [
    ["nothing but the certificate", { workers: 2 }, { name: "web", listen }],
    ["the engine", { workers: 2 }, { name: "web", listen, engine: "node" }],
    ["the number of workers", { workers: 1 }, { name: "web", listen }],
    ["the name", { workers: 1 }, { name: "renamed", listen }],
    ["the address", { workers: 1 }, { name: "other", listen: "127.0.0.1:0" }],
  ];
  const clients: Deno.Conn[] = [];
  let { cert } = proxy;
  for (const [what, own, ...listeners] of changes) {
    clients.push(await proxy.connect({ caCerts: [cert] }));
    for (const client of clients) await assertEcho(client);
    cert = await install(dir, { ...config, ...own }, ...listeners);
    assert.equal((await proxy.reload()).event, "reload", what);
    for (const client of clients) await assertEcho(client);
    assert.equal(await metric(proxy, "tls_off_connections_superseded"), clients.length);
  }
  assert.deepEqual(proxy.program.connections(), []);
  for (const client of clients) client.close();
  await until(() => proxy.program.connections().length === clients.length, "each has its record");
  assert.equal(await metric(proxy, "tls_off_connections_superseded"), 0);
});

Deno.test("reload-grace ends the connections that are older than a reload, in good order, and no other", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { workers: 2 } });
  const older = await proxy.connect();
  await assertEcho(older);
  const cert = await install(dir, { workers: 2, "reload-grace": "500ms" }, {
    name: "web",
    listen: `127.0.0.1:${proxy.port}`,
  });
  assert.equal((await proxy.reload()).event, "reload");
  const newer = await proxy.connect({ caCerts: [cert] });
  await assertEcho(newer);
  // close_notify: without it the client would throw.
  assert.equal(await older.read(new Uint8Array(1)), null);
  older.close();
  const { reason } = await proxy.program.record(({ event }) => event === "connection", "record of the older one");
  assert.equal(reason, "reload-grace");
  await assertEcho(newer);
  newer.close();
});

Deno.test("a drain ends what reloads have left", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { shutdown: { grace: "500ms" } } });
  const older = await proxy.connect();
  await assertEcho(older);
  assert.equal((await proxy.reload()).event, "reload");
  proxy.program.signal("SIGTERM");
  assert.equal(await older.read(new Uint8Array(1)), null);
  older.close();
  assert.equal(await proxy.program.exit(), 3);
});

for (const contender of CONTENDERS) {
  const { runtime, engine } = contender;
  Deno.test(`reloads that leave a connection each do not pile up threads: ${engine} on ${runtime}`, async () => {
    await reloadAmongImmortals(contender, 9);
  });
}

Deno.test("a drain is final: a reload that is under way does not undo it", async () => {
  for (let pauseMs = 0; pauseMs < 10; pauseMs++) {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, { config: { shutdown: { grace: "5m" }, workers: 2 } });
    await install(dir, { shutdown: { grace: "5m" }, workers: 2 }, { name: "web", listen: `127.0.0.1:${proxy.port}` });
    proxy.program.signal("SIGHUP");
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    proxy.program.signal("SIGTERM");
    // Nobody is connected. A process that goes on serving would do so until the end of the grace.
    assert.equal(await proxy.program.exit(), 0);
  }
});
