import assert from "node:assert/strict";
import { Backend, echo, readAll, readExactly, writeAll } from "../support/applications/backend.ts";
import { CpuQuota } from "../support/peers/cpu_quota.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { patternBytes } from "../support/random.ts";
import { until } from "../support/wait.ts";

/** Sends some bytes through the proxy and expects them back. */
async function assertEcho(proxy: Proxy): Promise<void> {
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1, 2, 3));
  assert.deepEqual(await readExactly(client, 3), Uint8Array.of(1, 2, 3));
  await client.closeWrite();
  assert.equal(await client.read(new Uint8Array(1)), null);
  client.close();
}

/** The workers that the connections were served by. */
function workersOf(proxy: Proxy): number[] {
  return proxy.program.connections().map(({ worker }) => Number(worker));
}

Deno.test("workers share the connections, and their ids never meet", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { workers: 3 } });
  for (let batch = 0; batch < 15; batch++) {
    await Promise.all(Array.from({ length: 20 }, () => assertEcho(proxy)));
  }
  await until(() => proxy.program.connections().length === 300, "all records are there");
  for (const worker of [0, 1, 2]) {
    // At random 100 ± 8: that it is below 50 has a probability of 10⁻¹⁰.
    assert.ok(workersOf(proxy).filter((one) => one === worker).length > 50, `${workersOf(proxy)}`);
  }
  assert.equal(new Set(proxy.program.connections().map(({ conn }) => conn)).size, 300);
  proxy.program.signal("SIGTERM");
  assert.equal(await proxy.program.exit(), 0);
});

Deno.test("workers in automatic number are as many as the CPUs of the process", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { workers: "auto" } });
  const ready = await proxy.program.record(({ event }) => event === "ready");
  assert.equal(ready.workers, navigator.hardwareConcurrency);
});

/** One CPU of those that this process may use. */
const [CPU] = /^Cpus_allowed_list:\s+(\d+)/m.exec(Deno.readTextFileSync("/proc/self/status"))!.slice(1);
const quota = CpuQuota.create(1);
quota?.[Symbol.dispose]();

for (
  const [what, ignore, restrict] of [
    ["affinity", false, () => ({ prefix: ["taskset", "-c", CPU], [Symbol.dispose]() {} })],
    ["quota of the control group (root, cgroups)", quota === null, () => CpuQuota.create(1)!],
  ] as const
) {
  Deno.test({
    name: `workers in automatic number are one by the ${what}`,
    ignore,
    async fn() {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      using restricted = restrict();
      await using proxy = await Proxy.start(dir, backend.address, {
        config: { workers: "auto" },
        prefix: restricted.prefix,
      });
      assert.equal((await proxy.program.record(({ event }) => event === "ready")).workers, 1);
      await assertEcho(proxy);
    },
  });
}

Deno.test("proxy refuses to start where another instance listens, and names the address", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { config: { workers: 2 } });
  using other = new TempDir();
  const listen = `127.0.0.1:${proxy.port}`;
  await assert.rejects(
    Proxy.start(other, backend.address, { listener: { listen }, config: { workers: 2 } }),
    (error: Error) => error.message.includes(`Cannot listen on ${listen}`) && /in use/i.test(error.message),
  );
  await assertEcho(proxy);
});

for (const workers of [1, 2]) {
  Deno.test(`a worker of ${workers} that dies is replaced, and the others' transfers are intact`, async () => {
    using dir = new TempDir();
    const chunk = patternBytes(50_000);
    const pieces = 40;
    const clientCount = 12;
    let halfSent = 0;
    const replaced = Promise.withResolvers<void>();
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      await conn.read(new Uint8Array(1));
      for (let sent = 0; sent < pieces / 2; sent++) await writeAll(conn, chunk);
      halfSent++;
      await replaced.promise;
      for (let sent = pieces / 2; sent < pieces; sent++) await writeAll(conn, chunk);
    });
    await using proxy = await Proxy.start(dir, backend.address, {
      config: { workers },
      main: "tests/support/proxies/crashing_proxy.ts",
    });
    const clients = await Promise.all(Array.from({ length: clientCount }, () => proxy.connect()));
    const transfers = clients.map(async (client) => {
      try {
        await client.write(Uint8Array.of(1));
        return await readAll(client);
      } catch {
        return null;
      } finally {
        client.close();
      }
    });
    await until(() => halfSent === clientCount, "every transfer is under way");
    proxy.program.signal("SIGUSR2");
    const died = await proxy.program.record(({ event }) => event === "worker-died");
    assert.equal(died.worker, workers - 1);
    assert.match(String(died.error), /asked to crash/);
    await proxy.program.record(({ event }) => event === "worker-replaced");
    assert.ok(!proxy.program.records.some(({ event }) => event === "worker-not-replaced"), "at the first attempt");
    replaced.resolve();
    const whole = (await Promise.all(transfers)).filter((bytes) => bytes?.length === pieces * chunk.length);
    for (const bytes of whole) assert.deepEqual(bytes!.subarray(0, chunk.length), chunk);
    // The clients of the other workers have received everything.
    const untouched = () =>
      proxy.program.connections().filter(({ worker, bytes_out }) =>
        worker !== workers - 1 && bytes_out === pieces * chunk.length
      );
    await until(() => untouched().length === whole.length, "the others' records are there");
    if (workers > 1) assert.ok(whole.length > 0);
    const clientAfter = await Promise.all(Array.from({ length: 12 }, () => proxy.connect()));
    for (const client of clientAfter) client.close();
    await until(
      () => workersOf(proxy).filter((worker) => worker === workers - 1).length > 0,
      "the new worker serves",
    );
    proxy.program.signal("SIGTERM");
    assert.equal(await proxy.program.exit(), 0);
  });
}
