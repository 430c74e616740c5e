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
 * What `node:tls` holds more, without a public way around it. On Deno a connection keeps a buffer of more than 64 KiB
 * for what it receives, to its end, and holds what it writes four times: as it was given, as it waits to be encrypted,
 * encrypted, and on its way to the kernel. Bun hands over up to 208 KiB at once of what comes from a Unix socket, and
 * 128 KiB of what comes from a client.
 */
const MORE_KIB: Record<string, number | undefined> = {
  "node on deno, download": 224,
  "node on deno, upload": 304,
  "node on bun, download": 304,
  "node on bun, upload": 448,
  "node on node, download": 256,
  "node on node, upload": 304,
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
      const clients: tls.TLSSocket[] = [];
      try {
        // Whatever the first connections make the process allocate is not what stalled ones hold.
        for (let index = 0; index < 20; index++) (await stall(proxy.port, way)).destroy();
        await pause(SETTLE_MS);
        const before = await resident();
        while (clients.length < PEERS) clients.push(await stall(proxy.port, way));
        await pause(SETTLE_MS);
        const each = (await resident() - before) / PEERS / 1024;
        const name = `${engine} on ${runtime}, ${way}`;
        const most = MORE_KIB[name] ?? MOST_KIB;
        console.log(`${name}: ${each.toFixed(0)} KiB for each stalled connection`);
        assert.ok(each <= most, `${each} KiB each`);
        for (const client of clients) client.destroy();
        if (way === "upload") return;
        await until(async () => await resident() - before < PEERS * most * 1024 / 4, "memory is given back", 30_000);
      } finally {
        for (const client of clients) client.destroy();
      }
    });
  }
}

/** A client that has begun what stalls. */
function stall(port: number, way: "download" | "upload"): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      socket.pause();
      // A destroyed socket fails each write at once.
      const writeMore = (error?: Error | null) => void (error || socket.write(CHUNK, writeMore));
      if (way === "upload") writeMore();
      else socket.write(CHUNK.subarray(0, 1));
      resolve(socket);
    });
    socket.on("error", reject);
  });
}
