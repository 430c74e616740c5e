import assert from "node:assert/strict";
import { Backend, echo, readExactly } from "../support/backend.ts";
import { Proxy, TempDir } from "../support/proxy.ts";
import { programRuntime } from "../support/runtimes.ts";
import { pause, until } from "../support/wait.ts";

Deno.test("proxy lives through running out of descriptors, and serves again when they are back", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { openFiles: 200 });
  const before = proxy.program.fds();
  const clients = await Promise.all(Array.from({ length: 400 }, () => proxy.connectTcp()));
  // Bun's native engine keeps to itself that it could not accept.
  if (await programRuntime() !== "bun") {
    await proxy.program.record(({ event }) => event === "exhausted", "record of the exhaustion");
  }
  await pause(500);
  for (const client of clients) client.close();
  await until(() => proxy.program.fds() <= before, "the descriptors are back");
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readExactly(client, 3), Uint8Array.of(1, 2, 3));
  client.close();
});
