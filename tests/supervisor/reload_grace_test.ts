import assert from "node:assert/strict";
import { stringify } from "@std/toml";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";

const ADMIN = { admin: { listen: "127.0.0.1:0" } };

/** Writes another configuration for a proxy that {@linkcode Proxy.start} made, and another certificate. */
async function install(dir: TempDir, config: Record<string, unknown>, ...listeners: Record<string, unknown>[]) {
  const { cert, key } = await makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] });
  Deno.writeTextFileSync(dir.file("cert.pem"), cert);
  Deno.writeTextFileSync(dir.file("key.pem"), key);
  const listener = listeners.map((own) => ({ backend: "unix:app.sock", cert: "cert.pem", key: "key.pem", ...own }));
  const text = stringify({ workers: 1, log: { format: "json", level: "debug" }, ...config, listener });
  Deno.writeTextFileSync(dir.file("proxy.toml"), text);
  return cert;
}

async function assertEcho(client: Deno.Conn): Promise<void> {
  await client.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readExactly(client, 3), Uint8Array.of(1, 2, 3));
}

function threads({ program: { pid } }: Proxy): number {
  return Number(/Threads:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${pid}/status`))![1]);
}

/** What `/metrics` says of a series, over all its labels. */
async function metric(proxy: Proxy, name: string): Promise<number> {
  const { address } = await proxy.program.record(({ event }) => event === "admin-listening", "the admin endpoint");
  const text = await (await fetch(`http://${address}/metrics`)).text();
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, "gm"))].map(([, value]) =>
    Number(value)
  );
  return values.reduce((sum, value) => sum + value, 0);
}

Deno.test("a reload ends no connection, whatever it changes, and tells how many are older", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  // A drain would cut at once.
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

Deno.test("reloads that leave a connection each, and change the number of workers, do not pile up threads", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { ...ADMIN, workers: 3 } });
  const listener = { name: "web", listen: `127.0.0.1:${proxy.port}` };
  const clients: Deno.Conn[] = [];
  let { cert } = proxy;
  let most = 0;
  const reloads = 24;
  for (let round = 1; round <= reloads; round++) {
    const client = await proxy.connect({ caCerts: [cert] });
    await assertEcho(client);
    clients.push(client);
    cert = await install(dir, { ...ADMIN, workers: 3 - round % 3 }, listener);
    assert.equal((await proxy.reload()).event, "reload");
    if (round === 3) most = threads(proxy);
  }
  // A runtime's own threads come and go; one more for each reload would be too many.
  assert.ok(threads(proxy) < most + reloads / 4, `${threads(proxy)} threads, ${most} after three reloads`);
  for (const client of clients) await assertEcho(client);
  assert.equal(await metric(proxy, "tls_off_connections_superseded"), reloads);
  for (const client of clients) client.close();
  await until(() => proxy.program.connections().length === reloads, "each has its record");
  await install(dir, { ...ADMIN, workers: 1 }, listener);
  assert.equal((await proxy.reload()).event, "reload");
  await until(() => threads(proxy) <= most - 3, "the workers that serve no more have ended");
});

Deno.test("a drain is final: a reload that is under way does not undo it", async () => {
  for (let pauseMs = 0; pauseMs < 10; pauseMs++) {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, { config: { shutdown: { grace: "5m" }, workers: 2 } });
    await install(dir, { shutdown: { grace: "5m" }, workers: 2 }, { name: "web", listen: `127.0.0.1:${proxy.port}` });
    proxy.program.signal("SIGHUP");
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    proxy.program.signal("SIGTERM");
    // Nobody is connected: whoever goes on serving would do so until the end of the grace.
    assert.equal(await proxy.program.exit(), 0);
  }
});
