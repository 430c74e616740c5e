/** TLS sessions over several workers, on every engine that steers connections. */
import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { peerTest } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { CONTENDERS, runtimeCommand, sharingNodeCommand } from "../support/proxies/runtimes.ts";
import { contenders } from "../support/proxies/under_test.ts";
import { sClient } from "../support/peers/s_client.ts";
import { until } from "../support/wait.ts";

const OPENSSL = { command: "openssl", debian: "openssl" };
const NPX = { command: "npx", debian: "npm" };
const WORKERS = 4;
const CLIENTS = 4;
const RETURNS = 3;
/** How often connections are tried until each worker has had one: the kernel chooses. */
const MOST_TURNS = 5;

const WITHOUT_NODE = CONTENDERS.filter(({ runtime }) => runtime !== "node");

/**
 * How often clients with addresses of their own resumed, who each came back with the session of the last connection.
 */
async function resumed(proxy: Proxy, dir: TempDir): Promise<number> {
  let count = 0;
  for (let index = 1; index <= CLIENTS; index++) {
    const session = dir.file(`session-${index}`);
    const from = ["-bind", `127.0.${index}.7`, "-sess_out", session];
    assert.match((await sClient(proxy.port, ...from)).text, /^New, TLSv1.3/m);
    for (let turn = 0; turn < RETURNS; turn++) {
      const { text, echoed } = await sClient(proxy.port, ...from, "-sess_in", session);
      assert.ok(echoed, text);
      if (/^Reused, TLSv1.3/m.test(text)) count++;
    }
  }
  return count;
}

/** The workers that each client's connections came to. */
function workersOf(proxy: Proxy): Map<unknown, Set<unknown>> {
  const workers = new Map<unknown, Set<unknown>>();
  for (const { client, worker } of proxy.program.connections()) {
    workers.set(client, (workers.get(client) ?? new Set()).add(worker));
  }
  return workers;
}

for (const { runtime, engine } of contenders(WITHOUT_NODE)) {
  peerTest(
    `spread = "client" lets every client resume its session, whatever the number of workers (${engine} on ${runtime})`,
    [OPENSSL],
    async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      await using proxy = await Proxy.start(dir, backend.address, {
        config: { workers: WORKERS },
        listener: { engine, spread: "client" },
        command: await runtimeCommand(runtime),
      });
      assert.equal(await resumed(proxy, dir), CLIENTS * RETURNS);
      const connections = CLIENTS * (1 + RETURNS);
      await until(() => proxy.program.connections().length === connections, "every connection has its record");
      for (const [client, workers] of workersOf(proxy)) assert.equal(workers.size, 1, `${client}`);
      assert.equal((await proxy.reload()).event, "reload");
      // A client meets the worker that it met before the reload.
      await resumed(proxy, dir);
      await until(() => proxy.program.connections().length === 2 * connections, "every connection has its record");
      for (const [client, workers] of workersOf(proxy)) assert.equal(workers.size, 1, `${client}`);
    },
  );
}

peerTest(
  "a client resumes its session in every worker on Node, which shares the keys of tickets",
  [OPENSSL, NPX],
  async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, {
      config: { workers: WORKERS },
      command: await sharingNodeCommand(),
    });
    const workers = () => new Set(proxy.program.connections().map(({ worker }) => worker));
    for (let turn = 1; turn <= MOST_TURNS && (turn <= 2 || workers().size < WORKERS); turn++) {
      assert.equal(await resumed(proxy, dir), CLIENTS * RETURNS);
      const connections = turn * CLIENTS * (1 + RETURNS);
      await until(() => proxy.program.connections().length === connections, "every connection has its record");
    }
    assert.ok(workers().size > 1, "several workers served");
    // A reload makes new contexts, with the same keys.
    assert.equal((await proxy.reload()).event, "reload");
    assert.equal(await resumed(proxy, dir), CLIENTS * RETURNS);
  },
);

peerTest('spread = "connection" gives one client to several workers', [OPENSSL], async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { workers: WORKERS } });
  await resumed(proxy, dir);
  const connections = CLIENTS * (1 + RETURNS);
  await until(() => proxy.program.connections().length === connections, "every connection has its record");
  assert.ok([...workersOf(proxy).values()].some((workers) => workers.size > 1));
});

peerTest("spread can be changed by a reload, and holds again after a worker has died", [OPENSSL], async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: WORKERS },
    main: "tests/support/proxies/crashing_proxy.ts",
  });
  const file = dir.file("proxy.toml");
  Deno.writeTextFileSync(file, Deno.readTextFileSync(file).replace("[[listener]]", '[[listener]]\nspread = "client"'));
  assert.equal((await proxy.reload()).event, "reload");
  assert.equal(await resumed(proxy, dir), CLIENTS * RETURNS);
  const connections = CLIENTS * (1 + RETURNS);
  await until(() => proxy.program.connections().length === connections, "every connection has its record");
  const before = new Map(proxy.program.connections().map(({ client, worker }) => [client, worker]));
  proxy.program.signal("SIGUSR2");
  await proxy.program.record(({ event }) => event === "worker-replaced", "a worker in place of the dead one");
  assert.equal(await resumed(proxy, dir), CLIENTS * RETURNS);
  await until(() => proxy.program.connections().length === 2 * connections, "every connection has its record");
  for (const { client, worker } of proxy.program.connections()) assert.equal(worker, before.get(client), `${client}`);
});
