/**
 * What peers cost that take nothing: clients that never read a large answer, and an application that never reads an
 * upload.
 */
import assert from "node:assert/strict";
import tls from "node:tls";
import { residentBytes } from "../../bench/measure/processes.ts";
import { Backend, readExactly, writeAll } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import { pause, until } from "../support/wait.ts";

const PEERS = 200;
/** Of each stalled connection, the kernel's buffers not counted. */
const MOST_KIB = 160;
/**
 * What `node:tls` holds more, without a public way around it. On Deno a connection keeps a buffer of up to 80 KiB for
 * what it receives, to its end, and Node one of 64 KiB. Bun hands over up to 208 KiB at once of what comes from a Unix
 * socket.
 */
const MORE_KIB: Record<string, number | undefined> = {
  "node on deno, upload": 224,
  "node on bun, download": 256,
  "node on node, upload": 240,
};
/** Garbage is given back within seconds. */
const SETTLE_MS = 8_000;
/** More than what the kernel takes on its way. */
const ANSWER_CHUNKS = 1_600;
const CHUNK = new Uint8Array(64 * 1024);

const CONTENDERS = [
  { runtime: "deno", engine: "native" },
  { runtime: "deno", engine: "node" },
  { runtime: "bun", engine: "native" },
  { runtime: "bun", engine: "node" },
  { runtime: "node", engine: "node" },
] as const;

for (const { runtime, engine } of CONTENDERS) {
  for (const way of ["download", "upload"] as const) {
    Deno.test(`${engine} on ${runtime} holds little for each of many stalled ${way}s, and gives it back`, async () => {
      using dir = new TempDir();
      await using app = new Backend(dir.file("app.sock"), async (conn) => {
        await readExactly(conn, 1);
        if (way === "upload") return await new Promise(() => {});
        for (let index = 0; index < ANSWER_CHUNKS; index++) await writeAll(conn, CHUNK);
      });
      await using proxy = await Proxy.start(dir, app.address, {
        command: await runtimeCommand(runtime),
        listener: { engine },
      });
      const resident = () => residentBytes([proxy.program.pid]);
      const clients: Disposable[] = [];
      const stall = async () => clients.push(await stallers[way](proxy));
      const leave = () => clients.splice(0).forEach((client) => client[Symbol.dispose]());
      try {
        // Whatever the first connections make the process allocate is not what stalled ones hold.
        for (let index = 0; index < 20; index++) await stall();
        leave();
        await pause(SETTLE_MS);
        const before = await resident();
        while (clients.length < PEERS) await stall();
        await pause(SETTLE_MS);
        const each = (await resident() - before) / PEERS / 1024;
        const name = `${engine} on ${runtime}, ${way}`;
        const most = MORE_KIB[name] ?? MOST_KIB;
        console.log(`${name}: ${each.toFixed(0)} KiB for each stalled connection`);
        assert.ok(each <= most, `${each} KiB each`);
        leave();
        // Node uses it again, and has no way to give it back to the kernel (malloc_trim(3)).
        if (way === "upload" || runtime === "node") return;
        await until(async () => await resident() - before < PEERS * most * 1024 / 4, "memory is given back", 30_000);
      } finally {
        leave();
      }
    });
  }
}

/** Clients that have begun what stalls. */
const stallers: Record<"download" | "upload", (proxy: Proxy) => Promise<Disposable>> = {
  // Not by `node:tls`: on Deno a socket of it reads on without bound when it is paused.
  async download(proxy) {
    const client = await proxy.connect();
    await client.write(CHUNK.subarray(0, 1));
    return client;
  },
  upload({ port }) {
    return new Promise((resolve, reject) => {
      const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
        // A destroyed socket fails each write at once.
        const writeMore = (error?: Error | null) => void (error || socket.write(CHUNK, writeMore));
        writeMore();
        resolve({ [Symbol.dispose]: () => void socket.destroy() });
      });
      socket.on("error", reject);
    });
  },
};
