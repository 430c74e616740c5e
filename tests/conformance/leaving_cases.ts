import assert from "node:assert/strict";
import { libc } from "../../src/linux/thread_libc.ts";
import { readExactly, writeAll } from "../support/applications/backend.ts";
import { reset } from "../support/applications/tcp_backend.ts";
import { patternBytes } from "../support/random.ts";
import { pause, until } from "../support/wait.ts";
import type { Bench } from "./suite.ts";

const HEAD = patternBytes(1000);
/**
 * Fits into what the kernel and the proxy hold on the way to an application that does not read. It is more than a Unix
 * socket and the proxy hold without the kernel's buffer of the client's connection.
 */
const REQUEST = { unix: patternBytes(340_000), tcp: patternBytes(200_000) };
const FLOOD = new Uint8Array(100_000);
/** Long enough for the proxy to see a reset. */
const SEEN_MS = 300;

/** A client that has left was heard before. */
export function leavingCases({ test, start }: Bench): void {
  for (const transport of ["unix", "tcp"] as const) {
    test(`delivers what a client had sent before it left without reading the answer, over ${transport}`, async (dir) => {
      const path = dir.file("app.sock");
      using listener = transport === "unix" ? Deno.listen({ transport, path }) : Deno.listen({ port: 0 });
      const { addr } = listener;
      await using proxy = await start(dir, addr.transport === "tcp" ? `tcp:127.0.0.1:${addr.port}` : `unix:${path}`);
      const accepted = listener.accept();
      const client = await proxy.connect();
      await writeAll(client, HEAD);
      using application = await accepted;
      assert.deepEqual(await readExactly(application, HEAD.length), HEAD);
      // It answers without end, and reads nothing meanwhile.
      let answered = 0;
      const answering = (async () => {
        for (;;) {
          await writeAll(application, FLOOD);
          answered += FLOOD.length;
        }
      })().catch(() => {});
      await until(() => answered > FLOOD.length, "the answer has begun");
      await writeAll(client, REQUEST[transport]);
      // The client's own reset would throw away what its kernel has not sent yet.
      const ends = { local: client.localAddr as Deno.NetAddr, remote: client.remoteAddr as Deno.NetAddr };
      await until(() => libc.unsentBytesOf([ends])[0] === 0, "the proxy's kernel has the request");
      reset(client);
      client.close();
      // The proxy sees that before the application reads. It says nothing until the connection is over.
      await pause(SEEN_MS);
      assert.deepEqual(await readExactly(application, REQUEST[transport].length), REQUEST[transport]);
      const { reason } = await proxy.program.record(({ event }) => event === "connection", "record of the connection");
      assert.equal(reason, "client-reset");
      await answering;
    });
  }
}
