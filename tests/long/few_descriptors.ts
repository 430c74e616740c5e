import assert from "node:assert/strict";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { leaveDescriptors } from "../support/proxies/process_status.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { CONTENDERS, runtimeCommand } from "../support/proxies/runtimes.ts";

const LIMIT = 100;
/** Descriptors that are left when the reload comes; with more of them it succeeds in any case. */
const MOST_FREE = 45;
/** How many numbers of them one test tries, each with a program of its own. */
const TRIED_AT_ONCE = 15;

async function assertServed(client: Deno.Conn): Promise<void> {
  await client.write(Uint8Array.of(7));
  assert.deepEqual(await readExactly(client, 1), Uint8Array.of(7));
}

// Workers of Node 20, which tests run, cannot share a port.
for (const { runtime, engine } of CONTENDERS.filter(({ runtime }) => runtime !== "node")) {
  const name = `${engine} on ${runtime}: a reload that starts workers`;
  /** How each reload ended, by the descriptors that were left. */
  const ends: unknown[] = [];
  for (let first = 1; first <= MOST_FREE; first += TRIED_AT_ONCE) {
    const last = first + TRIED_AT_ONCE - 1;
    Deno.test(`${name} with ${first} to ${last} descriptors left succeeds or is refused`, async () => {
      for (let free = first; free <= last; free++) {
        using dir = new TempDir();
        await using backend = new Backend(dir.file("app.sock"), echo);
        await using proxy = await Proxy.start(dir, backend.address, {
          openFiles: LIMIT,
          listener: { engine, timeouts: { handshake: "5m" } },
          command: await runtimeCommand(runtime),
        });
        const established = await proxy.connect();
        await assertServed(established);
        const clients = await leaveDescriptors(proxy, LIMIT, free);
        proxy.setWorkers(3);
        ends[free] = (await proxy.reload()).event;
        assert.ok(ends[free] === "reload" || ends[free] === "reload-failed", `${free} left: ${ends[free]}`);
        await assertServed(established);
        for (const client of [established, ...clients]) client.close();
      }
    });
  }
  Deno.test(`${name} succeeds with more descriptors than where it has succeeded (after the tests before)`, () => {
    assert.equal(Object.keys(ends).length, MOST_FREE, "the tests before have run");
    assert.equal(ends[1], "reload-failed");
    const enough = ends.indexOf("reload");
    assert.ok(enough > 0 && ends.slice(enough).every((end) => end === "reload"), JSON.stringify(ends));
  });
}
