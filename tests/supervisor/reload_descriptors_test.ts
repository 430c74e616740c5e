import assert from "node:assert/strict";
import { activation } from "../support/peers/activate.ts";
import { Backend, echo, readExactly } from "../support/applications/backend.ts";
import { Proxy, type ProxyOptions, TempDir } from "../support/proxies/proxy.ts";
import { keptOfEndedThread, leaveDescriptors, untilDescriptors } from "../support/proxies/process_status.ts";
import { CONTENDERS, runtimeCommand } from "../support/proxies/runtimes.ts";

const WITHOUT_NODE = CONTENDERS.filter(({ runtime }) => runtime !== "node");

/** Reloads a proxy so often, with these numbers of workers in turn, and fails when descriptors stay open. */
async function assertNoneLeft(
  runtime: string,
  options: ProxyOptions,
  reloads: number,
  workers: number[],
): Promise<void> {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { ...options, config: { shutdown: { grace: "1s" } } });
  const reload = async (workers: number) => {
    proxy.setWorkers(workers);
    assert.equal((await proxy.reload()).event, "reload");
    const client = await proxy.connect();
    await assertServed(client);
    client.close();
  };
  // After this everything is loaded that is only loaded when it is needed.
  for (const count of workers) await reload(count);
  const before = proxy.program.fds() + keptOfEndedThread(runtime);
  for (let count = 0; count < reloads; count++) await reload(workers[count % workers.length]);
  // A socket that was replaced may wait for 63 s until a TCP handshake with it has ended.
  await untilDescriptors(proxy.program, before, 70_000);
}

for (const { runtime, engine } of WITHOUT_NODE) {
  Deno.test(`reload with other numbers of workers leaves no descriptors on ${runtime} ${engine}`, async () => {
    await assertNoneLeft(runtime, { listener: { engine }, command: await runtimeCommand(runtime) }, 20, [3, 1]);
  });
  if (engine === "node") {
    Deno.test(`reload with socket activation leaves no descriptors on ${runtime} ${engine}`, async () => {
      const { port, prefix } = activation();
      const listener = { engine, listen: `127.0.0.1:${port}` };
      await assertNoneLeft(runtime, { listener, prefix, command: await runtimeCommand(runtime) }, 10, [1]);
    });
  }
}

for (const runtime of ["deno", "bun"] as const) {
  Deno.test(`reload is refused while threads would find no descriptors on ${runtime}, and nobody is lost`, async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, {
      openFiles: 200,
      listener: { timeouts: { handshake: "5m" } },
      command: await runtimeCommand(runtime),
    });
    const established = await proxy.connect();
    await assertServed(established);
    const waiting = await leaveDescriptors(proxy, 200, 12);
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
async function assertServed(client: Deno.Conn): Promise<void> {
  await client.write(Uint8Array.of(7));
  assert.deepEqual(await readExactly(client, 1), Uint8Array.of(7));
}
