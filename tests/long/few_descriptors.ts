import assert from "node:assert/strict";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { leaveDescriptors } from "../support/proxies/process_status.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";

const LIMIT = 100;
/** Descriptors that are left when the reload comes; with more of them it succeeds in any case. */
const MOST_FREE = 45;

async function assertServed(client: Deno.Conn): Promise<void> {
  await client.write(Uint8Array.of(7));
  assert.deepEqual(await readExactly(client, 1), Uint8Array.of(7));
}

for (const runtime of ["deno", "bun"] as const) {
  Deno.test(`reload that starts workers with 1 to ${MOST_FREE} descriptors left succeeds or is refused on ${runtime}`, async () => {
    const ends: unknown[] = [];
    for (let free = 1; free <= MOST_FREE; free++) {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      await using proxy = await Proxy.start(dir, backend.address, {
        openFiles: LIMIT,
        listener: { timeouts: { handshake: "5m" } },
        command: await runtimeCommand(runtime),
      });
      const established = await proxy.connect();
      await assertServed(established);
      const clients = await leaveDescriptors(proxy, LIMIT, free);
      proxy.setWorkers(3);
      ends.push((await proxy.reload()).event);
      await assertServed(established);
      for (const client of [established, ...clients]) client.close();
    }
    assert.deepEqual(new Set(ends), new Set(["reload-failed", "reload"]));
    // Once there are enough, there are enough for all.
    const first = ends.indexOf("reload");
    assert.ok(ends.slice(first).every((end) => end === "reload"), JSON.stringify(ends));
  });
}
