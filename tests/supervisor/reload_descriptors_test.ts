import assert from "node:assert/strict";
import { activation } from "../support/activate.ts";
import { Backend, echo, readExactly } from "../support/backend.ts";
import { Proxy, type ProxyOptions, TempDir } from "../support/proxy.ts";
import { type Contender, runtimeCommand } from "../support/runtimes.ts";
import { until } from "../support/wait.ts";

const CONTENDERS: Contender[] = [
  { runtime: "deno", engine: "native" },
  { runtime: "deno", engine: "node" },
  { runtime: "bun", engine: "native" },
  { runtime: "bun", engine: "node" },
];

/** Reloads a proxy so often, with these numbers of workers in turn, and fails when descriptors stay open. */
async function assertNoneLeft(options: ProxyOptions, reloads: number, workers: number[]): Promise<void> {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { ...options, config: { shutdown: { grace: "1s" } } });
  const configuration = Deno.readTextFileSync(dir.file("proxy.toml"));
  const reload = async (workers: number) => {
    Deno.writeTextFileSync(dir.file("proxy.toml"), configuration.replace(/^workers = \d+$/m, `workers = ${workers}`));
    assert.equal((await proxy.reload()).event, "reload");
    const client = await proxy.connect();
    await client.write(Uint8Array.of(7));
    assert.deepEqual(await readExactly(client, 1), Uint8Array.of(7));
    client.close();
  };
  // What is loaded when it is first needed is there after that.
  for (const count of workers) await reload(count);
  const before = proxy.program.fds();
  for (let count = 0; count < reloads; count++) await reload(workers[count % workers.length]);
  await until(() => proxy.program.fds() <= before, `there are no more descriptors than ${before}`);
}

for (const { runtime, engine } of CONTENDERS) {
  Deno.test(`reload with other numbers of workers leaves no descriptors on ${runtime} ${engine}`, async () => {
    await assertNoneLeft({ listener: { engine }, command: await runtimeCommand(runtime) }, 20, [3, 1]);
  });
  if (engine === "node") {
    Deno.test(`reload with socket activation leaves no descriptors on ${runtime} ${engine}`, async () => {
      const { port, prefix } = activation();
      const listener = { engine, listen: `127.0.0.1:${port}` };
      await assertNoneLeft({ listener, prefix, command: await runtimeCommand(runtime) }, 10, [1]);
    });
  }
}
