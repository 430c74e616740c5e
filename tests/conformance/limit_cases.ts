import assert from "node:assert/strict";
import { WORTH_COLLECTING_BYTES } from "../../src/engines/bun/stalled_writes.ts";
import { Backend, echo, readAll, readExactly, writeAll } from "../support/applications/backend.ts";
import { CLIENT_HELLO } from "../support/certificates/client_hello.ts";
import type { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { patternBytes } from "../support/random.ts";
import { PATIENCE_MS, until } from "../support/wait.ts";
import type { Bench } from "./suite.ts";
import { untilDescriptors } from "../support/proxies/process_status.ts";

/** Descriptors that one turn of the event loop may accept before it closes them, and the admin endpoint's own. */
const FEW = 160;
/** What waits in a Unix socket at most (/proc/sys/net/core/wmem_default). */
const UNIX_SOCKET_KIB = 208;

/** Cases of limits: descriptors stay within them, whoever connects, and everyone who is turned away is counted. */
export function limitCases({ contender: { runtime, engine }, test, start }: Bench): void {
  const waits = runtime === "deno" && engine === "native";

  test("keeps to limits.connections, whoever comes, and answers its admin endpoint meanwhile", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, {
      openFiles: 256,
      config: { admin: { listen: "127.0.0.1:0" } },
      listener: { limits: { connections: 2 } },
    });
    const { address } = await proxy.program.record(({ event }) => event === "admin-listening", "the admin endpoint");
    const served = [await proxy.connect(), await proxy.connect()];
    for (const client of served) await echoOnce(client);
    const before = proxy.program.fds();
    let most = before;
    const tooMany: Deno.Conn[] = [];
    for (let index = 0; index < 300; index++) {
      // Silent ones, half a ClientHello, and a whole one. Any of them may be reset as soon as it is connected.
      const hello = [0, CLIENT_HELLO.length >> 1, CLIENT_HELLO.length][index % 3];
      await proxy.connectTcp().then((client) => {
        tooMany.push(client);
        return writeAll(client, Uint8Array.from(CLIENT_HELLO).subarray(0, hello));
      }).catch(() => {});
      most = Math.max(most, proxy.program.fds());
    }
    await until(async () => waits || (await rejections(address, "limit")) === 300, "each is counted");
    await proxy.program.record(({ event }) => event === "full", "record of the limit");
    assert.ok(most <= before + FEW, `${most} descriptors instead of ${before}`);
    assert.equal(await rejections(address, "limit"), waits ? 0 : 300);
    await untilDescriptors(proxy.program, before + 3);
    for (const client of served) await echoOnce(client);
    for (const client of [...served, ...tooMany]) client.close();
    await serveOne(proxy);
  });

  test("keeps to limits.connections through reloads, and takes a changed one at once", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, {
      config: { admin: { listen: "127.0.0.1:0" } },
      listener: { limits: { connections: 1 } },
    });
    const { address } = await proxy.program.record(({ event }) => event === "admin-listening", "the admin endpoint");
    const served = [await proxy.connect()];
    await echoOnce(served[0]);
    const waiting: Promise<Deno.TlsConn>[] = [];
    const refused = async (count: number) => {
      const before = await rejections(address, "limit");
      const coming = Array.from({ length: count }, async () => {
        const client = await proxy.connect();
        await echoOnce(client);
        return client;
      });
      if (waits) return void waiting.push(...coming);
      for (const outcome of await Promise.allSettled(coming)) assert.equal(outcome.status, "rejected");
      await until(async () => (await rejections(address, "limit")) === before + count, "they are counted");
    };
    await refused(2);
    await setLimit(dir, proxy, 1);
    await refused(2);
    await setLimit(dir, proxy, 3);
    // Where clients wait, the first two of those come in now.
    while (served.length < 3) {
      if (waits) served.push(await takeFirst(waiting));
      else served.push(await proxy.connect());
      await echoOnce(served.at(-1)!);
    }
    await refused(1);
    await setLimit(dir, proxy, 0);
    served.push(...await Promise.all(waiting), await proxy.connect());
    for (const client of served) await echoOnce(client);
    for (const client of served) client.close();
  });

  // The node engine holds 300 KiB; node:tls keeps a chunk twice more in streams of its own.
  if (engine === "native") {
    test("holds little memory for each of many readers that stall, gives it back, and loses no byte", async (dir) => {
      const readers = 60;
      const chunk = patternBytes(1_000_000);
      const chunks = 20;
      let taken = 0;
      await using backend = new Backend(dir.file("app.sock"), async (conn) => {
        await conn.read(new Uint8Array(1));
        for (let count = 0; count < chunks; count++, taken++) await writeAll(conn, chunk);
      });
      await using proxy = await start(dir, backend.address);
      const come = async () => {
        const client = await proxy.connect();
        await client.write(Uint8Array.of(1));
        return client;
      };
      // What the runtime allocates once, for the first client that stalls, is not counted for the others.
      const first = await come();
      await settled(() => taken);
      const before = proxy.program.rssKiB();
      const clients = await Promise.all(Array.from({ length: readers }, come));
      await settled(() => taken);
      // On a busy machine the writes shrink one after the other, and the last may not be worth a collection on Bun.
      const garbageKiB = runtime === "bun" ? WORTH_COLLECTING_BYTES / 1024 / readers : 0;
      const each = () => (proxy.program.rssKiB() - before) / readers;
      // Bun reads at once whatever waits in the backend's Unix socket. On a busy machine that is as much as fits.
      const mostKiB = runtime === "bun" ? UNIX_SOCKET_KIB : 160;
      await until(() => each() - garbageKiB <= mostKiB, () => `each holds ${mostKiB} KiB at most, not ${each()}`);
      const whole = await readAll(first);
      assert.equal(whole.length, chunks * chunk.length);
      for (let count = 0; count < chunks; count++) {
        assert.deepEqual(whole.subarray(count * chunk.length, (count + 1) * chunk.length), chunk);
      }
      for (const client of [first, ...clients]) client.close();
      await until(() => each() <= 80, "the memory is given back");
    });
  }

  test("keeps to limits.handshakes-per-second, and counts whom it turns away", async (dir) => {
    const rate = 5;
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, {
      config: { admin: { listen: "127.0.0.1:0" } },
      listener: { limits: { "handshakes-per-second": rate } },
    });
    const { address } = await proxy.program.record(({ event }) => event === "admin-listening", "the admin endpoint");
    const startMs = performance.now();
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, async () => {
      const client = await proxy.connect();
      await echoOnce(client);
      client.close();
    }));
    const seconds = (performance.now() - startMs) / 1000;
    const served = outcomes.filter(({ status }) => status === "fulfilled").length;
    assert.ok(served > 0 && served <= rate * (1 + seconds) + 1, `${served} were served in ${seconds} s`);
    if (waits) assert.equal(served, 20);
    await until(async () => (await rejections(address, "handshake-rate")) === 20 - served, "the others are counted");
  });
}

/** Waits until nothing has changed for so long that no transfer is under way. */
async function settled(count: () => number): Promise<void> {
  let [last, sinceMs] = [count(), performance.now()];
  await until(
    () => {
      if (count() !== last) [last, sinceMs] = [count(), performance.now()];
      return last > 0 && performance.now() - sinceMs > 3_000;
    },
    "the transfers stand still",
  );
}

/** Returns the next of `waiting` that is served, which may not be the first. */
async function takeFirst(waiting: Promise<Deno.TlsConn>[]): Promise<Deno.TlsConn> {
  const [client, index] = await Promise.race(waiting.map(async (coming, index) => [await coming, index] as const));
  waiting.splice(index, 1);
  return client;
}

async function setLimit(dir: TempDir, proxy: Proxy, connections: number): Promise<void> {
  const file = dir.file("proxy.toml");
  const text = Deno.readTextFileSync(file);
  Deno.writeTextFileSync(file, text.replace(/^connections = \d+$/m, `connections = ${connections}`));
  assert.equal((await proxy.reload()).event, "reload");
}

async function rejections(admin: unknown, reason: string): Promise<number> {
  const answer = await fetch(`http://${admin}/metrics`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  const pattern = new RegExp(`^tls_off_connections_rejected_total\\{.*reason="${reason}"\\} (\\d+)$`, "m");
  return Number(pattern.exec(await answer.text())?.[1] ?? 0);
}

async function echoOnce(client: Deno.Conn): Promise<void> {
  await client.write(Uint8Array.of(1));
  assert.deepEqual(await readExactly(client, 1), Uint8Array.of(1));
}

/** Connects and is served, as soon as the program has noticed that there is room again. */
async function serveOne(proxy: Proxy): Promise<void> {
  await until(async () => {
    try {
      const client = await proxy.connect();
      await echoOnce(client);
      client.close();
      return true;
    } catch {
      return false;
    }
  }, "another client is served");
}
