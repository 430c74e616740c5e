import assert from "node:assert/strict";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import { until } from "../support/wait.ts";
import { untilDescriptors } from "../support/proxies/process_status.ts";

/** Registers the test that a reload is refused while its threads would find no descriptors. */
export function refusedReload(runtime: "deno" | "bun"): void {
  Deno.test(`reload is refused while threads would find no descriptors on ${runtime}, and nobody is lost`, async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, {
      openFiles: 200,
      command: await runtimeCommand(runtime),
    });
    const established = await proxy.connect();
    await assertServed(established);
    const waiting: Deno.TcpConn[] = [];
    for (let fds = proxy.program.fds(); 200 - fds > 12; fds++) {
      waiting.push(await proxy.connectTcp());
      await until(() => proxy.program.fds() > fds, "it is accepted");
    }
    proxy.setWorkers(3);
    assert.equal((await proxy.reload()).event, "reload-failed");
    const { msg } = await proxy.program.record(({ event }) => event === "reload-error");
    assert.match(
      msg,
      /Cannot start 3 more workers: \d+ of 200 descriptors are free, and 40 are needed; raise the limit/,
    );
    await assertServed(established);
    for (const client of waiting) client.close();
    await untilDescriptors(proxy.program, 99);
    assert.equal((await proxy.reload()).event, "reload");
    await assertServed(established);
    established.close();
  });
}

/** Fails where a connection gets no echo. */
export async function assertServed(client: Deno.Conn): Promise<void> {
  await client.write(Uint8Array.of(7));
  assert.deepEqual(await readExactly(client, 1), Uint8Array.of(7));
}
