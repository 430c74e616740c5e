import assert from "node:assert/strict";
import { readAll, readExactly, writeAll } from "../support/applications/backend.ts";
import { TcpBackend } from "../support/applications/tcp_backend.ts";
import { patternBytes } from "../support/random.ts";
import { pause, until } from "../support/wait.ts";
import type { Bench } from "./suite.ts";

/** What the kernel holds as a whole, so that nothing is relayed while it is read. */
const BODY = patternBytes(2_000_000);
/** Read at a time. On the loopback a kernel makes room known in steps of 64 KiB. */
const PIECE_BYTES = 16 * 1024;
const [DOWNLOAD, UPLOAD] = [1, 2];

/** Cases of slow readers, which must not count as idle. */
export function slowCases({ test, start }: Bench): void {
  test("ends a peer that takes nothing as idle, and none that takes a little now and then", async (dir) => {
    let released = () => {};
    const release = new Promise<void>((resolve) => released = resolve);
    let stalledEnded = false;
    /** Reads the body slowly until the stalled client has been ended, and then as fast as it comes. */
    const readSlowly = async (conn: Deno.Conn) => {
      const body = new Uint8Array(BODY.length);
      for (let at = 0; at < body.length;) {
        const bytes = await readExactly(conn, Math.min(PIECE_BYTES, body.length - at));
        body.set(bytes, at);
        at += bytes.length;
        if (!stalledEnded) await pause(50);
      }
      return body;
    };
    let written = 0;
    const uploads: Promise<Uint8Array>[] = [];
    await using backend = new TcpBackend(async (conn) => {
      const [wish] = await readExactly(conn, 1);
      if (wish === UPLOAD) uploads.push(readSlowly(conn));
      else {
        await writeAll(conn, BODY);
        written++;
      }
      await release;
    });
    await using proxy = await start(dir, backend.address, {
      listener: { timeouts: { idle: "2s", "half-close": "2s" } },
    });
    const ask = async (wish: number) => {
      const client = await proxy.connect();
      await writeAll(client, Uint8Array.of(wish));
      return client;
    };
    const [open, halfClosed, uploading] = [await ask(DOWNLOAD), await ask(DOWNLOAD), await ask(UPLOAD)];
    await halfClosed.closeWrite();
    await writeAll(uploading, BODY);
    await until(() => written === 2 && uploads.length === 1, "everything is on its way");
    const downloads = [open, halfClosed].map(readSlowly);

    const stalled = await ask(DOWNLOAD);
    await until(() => proxy.program.connections().length > 0, "the stalled client is ended");
    stalledEnded = true;
    assert.deepEqual(proxy.program.connections().map(({ reason }) => reason), ["idle"]);
    for (const body of [...downloads, ...uploads]) assert.deepEqual(await body, BODY);
    released();
    assert.equal((await readAll(open)).length, 0, "it ends in order");
    for (const client of [open, halfClosed, uploading, stalled]) client.close();
  });
}
