/** Renewals while clients connect and transfer all the time: nobody may notice. */
import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { freePort } from "../../bench/lab/free_port.ts";
import { Load } from "../support/load.ts";
import { isServed, startOrdering } from "../support/proxies/ordering_proxy.ts";
import { PEBBLE, Pebble } from "../support/peers/pebble.ts";
import { peerTest } from "../support/peers/peers.ts";
import { runProgram } from "../support/proxies/program.ts";
import { TempDir } from "../support/proxies/proxy.ts";
import { CONTENDERS, runtimeCommand } from "../support/proxies/runtimes.ts";

const RENEWALS = 5;
/** New connections each second: so many begin, and so many at least have to end well. */
const BEGIN_PER_SECOND = 230;
const END_PER_SECOND = 200;
/** What the clients call the proxy. */
const NAMES = ["localhost", "127.0.0.1"];
const WITHOUT_NODE = CONTENDERS.filter(({ runtime }) => runtime !== "node");

for (const { runtime, engine } of WITHOUT_NODE) {
  peerTest(`${engine} on ${runtime}: five renewals under load lose no connection`, PEBBLE, async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    const port = freePort();
    await using pebble = await Pebble.start({ tlsPort: port });
    await using proxy = await startOrdering(dir, backend.address, {
      authority: pebble,
      port,
      names: NAMES,
      command: await runtimeCommand(runtime),
      config: { workers: 2, shutdown: { grace: "1s" }, log: { level: "info", access: false } },
      listener: engine === "native" ? {} : { engine },
    });
    const served = () => proxy.program.records.filter(isServed).length;
    await proxy.program.record(isServed, "certificate");
    const startMs = performance.now();
    const load = new Load(proxy, {
      ...{ perSecond: BEGIN_PER_SECOND, slow: 4, long: 50, longMs: 200 },
      caCerts: [await pebble.root()],
    });
    for (let renewal = 1; renewal <= RENEWALS; renewal++) {
      const before = served();
      const { code, complaints } = await runProgram(["acme", "renew", NAMES[0], dir.file("proxy.toml")]);
      assert.deepEqual([code, complaints], [0, []]);
      await proxy.program.record(() => served() > before, "certificate in service", 60_000);
    }
    const seconds = (performance.now() - startMs) / 1000;
    const rate = load.connections / seconds;
    await load.stop();
    assert.deepEqual(load.failures, []);
    const figures = `${Math.round(rate)} connections a second for ${Math.round(seconds)} s`;
    assert.ok(rate >= END_PER_SECOND, figures);
    console.log(`${figures}, ${Math.round(load.bytes / 2 ** 20)} MiB`);
  });
}
