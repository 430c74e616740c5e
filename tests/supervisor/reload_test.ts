import assert from "node:assert/strict";
import { stringify } from "@std/toml";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { reloadUnderLoad } from "../support/reload_load.ts";
import { type Contender, runtimeCommand } from "../support/proxies/runtimes.ts";
import { Veth } from "../support/peers/veth.ts";
import { socketInodes } from "../support/proxies/process_status.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";

/** Puts another certificate in the place of the proxy's. */
function install(dir: TempDir, { cert, key }: { cert: string; key: string }): void {
  Deno.writeTextFileSync(dir.file("cert.pem"), cert);
  Deno.writeTextFileSync(dir.file("key.pem"), key);
}

/** Writes the configuration of a proxy that {@linkcode Proxy.start} made anew. */
function configure(
  dir: TempDir,
  listeners: Record<string, unknown>[],
  config: Record<string, unknown> = {},
): void {
  const listener = listeners.map((own) => ({ backend: "unix:app.sock", cert: "cert.pem", key: "key.pem", ...own }));
  const text = stringify({ workers: 1, log: { format: "json", level: "debug" }, ...config, listener });
  Deno.writeTextFileSync(dir.file("proxy.toml"), text);
}

async function assertEcho(port: number, cert: string): Promise<void> {
  const client = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [cert] });
  await client.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readExactly(client, 3), Uint8Array.of(1, 2, 3));
  client.close();
}

Deno.test("reload serves the new certificate, and the established go on with the old one", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address);
  const before = await proxy.connect();
  await before.write(Uint8Array.of(1));
  await readExactly(before, 1);
  const other = await makeSelfSigned({ hosts: ["localhost", "127.0.0.1"] });
  install(dir, other);
  assert.equal((await proxy.reload()).event, "reload");
  await assertEcho(proxy.port, other.cert);
  await assert.rejects(assertEcho(proxy.port, proxy.cert));
  await before.write(Uint8Array.of(2));
  assert.deepEqual(await readExactly(before, 1), Uint8Array.of(2));
  before.close();
});

Deno.test("reload of a wrong configuration says what is wrong, and the old one goes on", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address);
  const listen = `127.0.0.1:${proxy.port}`;
  const cases: [() => void, RegExp][] = [
    [() => configure(dir, [{ listen, ports: 1 }]), /proxy\.toml:\d+:1: .*ports/],
    [() => configure(dir, [{ listen, cert: "missing.pem" }]), /missing\.pem/],
    [() => configure(dir, [{ name: "web", listen }, { name: "far", listen: "192.0.2.1:1" }]), /192\.0\.2\.1:1.*"far"/],
    [() => Deno.removeSync(dir.file("proxy.toml")), /proxy\.toml/],
  ];
  for (const [spoil, said] of cases) {
    spoil();
    const { event, errors } = await proxy.reload();
    assert.equal(event, "reload-failed");
    const told = proxy.program.records.filter(({ event }) => event === "reload-error").slice(-Number(errors));
    assert.match(told.map(({ msg }) => msg).join("\n"), said);
    await assertEcho(proxy.port, proxy.cert);
  }
  configure(dir, [{ name: "web", listen }]);
  assert.equal((await proxy.reload()).event, "reload");
  await assertEcho(proxy.port, proxy.cert);
});

Deno.test("reload adds and removes listeners and workers", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { "reload-grace": "1s" } });
  const threads = () => Number(/Threads:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${proxy.program.pid}/status`))![1]);
  const open = await proxy.connect();
  await open.handshake();
  const web = { name: "web", listen: "127.0.0.1:0" };
  const grace = { "reload-grace": "1s" };
  configure(dir, [web, { name: "more", listen: "127.0.0.1:0" }], { workers: 3, ...grace });
  await proxy.reload();
  const { address } = await proxy.program.record(({ listener, event }) => event === "listening" && listener === "more");
  const port = Number(String(address).split(":").at(-1));
  for (let count = 0; count < 30; count++) {
    await assertEcho(port, proxy.cert);
    await assertEcho(proxy.port, proxy.cert);
  }
  await until(
    () => new Set(proxy.program.connections().map(({ worker }) => worker)).size === 3,
    "every worker has served",
  );
  // Established connections may go on for the grace.
  assert.equal((await proxy.program.record(({ reason }) => reason === "reload-grace")).listener, "web");
  open.close();
  const many = threads();
  configure(dir, [{ name: "more", listen: "127.0.0.1:0" }], { workers: 1, ...grace });
  await proxy.reload();
  await assertEcho(port, proxy.cert);
  await until(() => threads() <= many - 3, "the threads of three workers are gone");
  await assert.rejects(proxy.connectTcp(), Deno.errors.ConnectionRefused);
  assert.equal(proxy.program.records.filter(({ event }) => event === "worker-died").length, 0);
});

Deno.test("reload keeps the sockets where the TLS is the same, and serves by the rest of the new configuration", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using other = new Backend(dir.file("other.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address);
  const sockets = socketInodes(proxy.program);
  configure(dir, [{ name: "renamed", listen: `127.0.0.1:${proxy.port}`, backend: other.address }]);
  assert.equal((await proxy.reload()).event, "reload");
  await until(() => socketInodes(proxy.program).join() === sockets.join(), "it has the same sockets as before");
  await assertEcho(proxy.port, proxy.cert);
  const record = await proxy.program.record(({ event }) => event === "connection");
  assert.equal(record.listener, "renamed");
  assert.equal(record.backend, other.address);
});

Deno.test("reload is ignored during a drain, and that is logged", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address);
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1));
  await readExactly(client, 1);
  proxy.program.signal("SIGTERM");
  await proxy.program.record(({ event }) => event === "drain");
  assert.equal((await proxy.reload()).event, "reload-ignored");
  await client.write(Uint8Array.of(2));
  assert.deepEqual(await readExactly(client, 1), Uint8Array.of(2));
  client.close();
  assert.equal(await proxy.program.exit(), 0);
});

const veth = Veth.create();
veth?.[Symbol.dispose]();

/** The numbers of workers that a runtime can share a port among. */
const CONTENDERS: [Contender, workers: number][] = [
  [{ runtime: "deno", engine: "native" }, 1],
  [{ runtime: "deno", engine: "native" }, 2],
  [{ runtime: "deno", engine: "node" }, 2],
  [{ runtime: "bun", engine: "native" }, 2],
  [{ runtime: "bun", engine: "node" }, 2],
  [{ runtime: "node", engine: "node" }, 1],
];

for (const [{ runtime, engine }, workers] of CONTENDERS) {
  for (const raw of [false, true]) {
    Deno.test({
      name: raw
        ? `reload loses no TCP handshake under way on ${runtime} ${engine}, ${workers} workers (root, iproute2)`
        : `reload loses no connection on ${runtime} ${engine}, ${workers} workers`,
      ignore: raw && veth === null,
      fn: async () =>
        await reloadUnderLoad({
          reloads: 10,
          workers,
          engine,
          command: await runtimeCommand(runtime),
          long: raw ? 0 : 4,
          raw,
        }),
    });
  }
}
