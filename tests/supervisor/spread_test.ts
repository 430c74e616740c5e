import assert from "node:assert/strict";
import { spreadWeights } from "../../src/supervisor/sockets/spread_weights.ts";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { pause } from "../support/wait.ts";

Deno.test("spreadWeights() gives equal weights to workers with equally many connections", () => {
  assert.deepEqual(spreadWeights([7, 7, 7, 7], 4), [250, 250, 250, 250]);
});

Deno.test("spreadWeights() gives the few to whoever has fewest", () => {
  assert.deepEqual(spreadWeights([10, 4], 1), [1, 1000]);
});

Deno.test("spreadWeights() does not send a crowd to one worker for a small difference", () => {
  const [more, fewer] = spreadWeights([55, 45], 200);
  assert.deepEqual([more, fewer], [475, 525]);
});

/** The weights of the workers are set each 100 ms: so that they follow every other connection. */
const PACE_MS = 60;

/** Waits for the main thread, which sets the weights: where it has no CPU for a while, they are those of long ago. */
async function untilTurn(proxy: Proxy): Promise<void> {
  const { address } = await proxy.program.record(({ event }) => event === "admin-listening");
  await (await fetch(`http://${address}/healthz`)).body?.cancel();
}

Deno.test("connections that stay are spread evenly over the workers", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, {
    config: { workers: 4, admin: { listen: "127.0.0.1:0" } },
  });
  const clients: Deno.TlsConn[] = [];
  for (let count = 0; count < 40; count++) {
    const client = await proxy.connect();
    await client.write(Uint8Array.of(1));
    await readExactly(client, 1);
    clients.push(client);
    await pause(PACE_MS);
    await untilTurn(proxy);
  }
  for (const client of clients) client.close();
  proxy.program.signal("SIGTERM");
  await proxy.program.exit();
  const counts = [0, 1, 2, 3].map((worker) =>
    proxy.program.connections().filter((record) => record.worker === worker).length
  );
  // By chance alone each would have 10 ± 2.7.
  for (const count of counts) assert.ok(Math.abs(count - 10) <= 3, `${counts}`);
});
