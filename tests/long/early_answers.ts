import assert from "node:assert/strict";
import { readExactly, writeAll } from "../support/applications/backend.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { CONTENDERS, runtimeCommand } from "../support/proxies/runtimes.ts";
import { patternBytes } from "../support/random.ts";
import { pause } from "../support/wait.ts";

const ANSWER = new TextEncoder().encode("HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n");
const HEAD = patternBytes(1000);
const CHUNK = patternBytes(16_384);
const CHUNKS = 64;
const UPLOADS = 100;
/** Uploads at a time, so that the machine is busy. */
const AT_ONCE = 10;
/** HAProxy and nginx lose so many as well. */
const MOST_LOST = 1;

/** Answers each connection as soon as its head has come, and closes without having read the rest. */
async function answerEarly(listener: Deno.Listener | Deno.UnixListener): Promise<void> {
  for await (const conn of listener) {
    readExactly(conn, HEAD.length).then(() => writeAll(conn, ANSWER)).catch(() => {}).finally(() => conn.close());
  }
}

/** Sends an upload with pauses, and looks for an answer only then. Returns whether it has come. */
async function upload(proxy: Proxy, pauseMs: number): Promise<boolean> {
  const client = await proxy.connect();
  try {
    await writeAll(client, HEAD);
    for (let count = 0; count < CHUNKS; count++) {
      await pause(pauseMs);
      await writeAll(client, CHUNK);
    }
  } catch {
    // The connection is over. The answer may have come all the same.
  }
  const answer = await readExactly(client, ANSWER.length).catch(() => null);
  client.close();
  return answer !== null;
}

for (const { runtime, engine } of CONTENDERS) {
  Deno.test(`of ${UPLOADS} uploads that are answered early ${MOST_LOST} answer at most is lost: ${engine} on ${runtime}`, async () => {
    using dir = new TempDir();
    const path = dir.file("app.sock");
    const lost: string[] = [];
    let most = 0;
    for (const transport of ["unix", "tcp"] as const) {
      using listener = transport === "unix" ? Deno.listen({ transport, path }) : Deno.listen({ port: 0 });
      const answering = answerEarly(listener);
      const { addr } = listener;
      const backend = addr.transport === "tcp" ? `tcp:127.0.0.1:${addr.port}` : `unix:${path}`;
      {
        await using proxy = await Proxy.start(dir, backend, {
          command: await runtimeCommand(runtime),
          listener: { engine },
        });
        for (const pauseMs of [1, 3, 10]) {
          let answered = 0;
          for (let done = 0; done < UPLOADS; done += AT_ONCE) {
            const batch = await Promise.all(Array.from({ length: AT_ONCE }, () => upload(proxy, pauseMs)));
            answered += batch.filter(Boolean).length;
          }
          lost.push(`${UPLOADS - answered} (${transport}, ${pauseMs} ms)`);
          most = Math.max(most, UPLOADS - answered);
        }
      }
      listener.close();
      await answering.catch(() => {});
    }
    console.log(`${engine} on ${runtime}, lost of ${UPLOADS}: ${lost.join(", ")}`);
    assert.ok(most <= MOST_LOST, lost.join(", "));
  });
}
