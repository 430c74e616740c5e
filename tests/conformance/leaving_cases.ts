import assert from "node:assert/strict";
import { libc } from "../../src/linux/thread_libc.ts";
import { readExactly, writeAll } from "../support/applications/backend.ts";
import { reset, TcpBackend } from "../support/applications/tcp_backend.ts";
import { runPeer } from "../support/peers/peers.ts";
import { patternBytes } from "../support/random.ts";
import { pause, until } from "../support/wait.ts";
import type { Bench } from "./suite.ts";

const HEAD = patternBytes(1000);
/**
 * Fits into what the kernel and the proxy hold on the way to an application that does not read. With a Unix socket the
 * kernel's buffer of the client's connection is needed for that in most runs; but on Bun, which loses what is there.
 */
const REQUEST = { unix: patternBytes(285_000), tcp: patternBytes(200_000) };
/** The node engine reads less ahead on Bun: a little more than a Unix socket takes. */
const READ_ON_BUN = 220_000;
const FLOOD = new Uint8Array(100_000);
/** Long enough for the proxy to see a reset. */
const SEEN_MS = 300;

const OPENSSL = { command: "openssl", debian: "openssl" };
const ANSWER = "a".repeat(16_384);

/** What was sent before one side has left is delivered, and the other side is told how it has left. */
export function leavingCases({ contender, has, test, peerTest, start }: Bench): void {
  const readsLittle = contender.engine === "node" && contender.runtime === "bun";
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
      const request = readsLittle ? REQUEST[transport].subarray(0, READ_ON_BUN) : REQUEST[transport];
      await writeAll(client, request);
      // The client's own reset would throw away what its kernel has not sent yet.
      const ends = { local: client.localAddr as Deno.NetAddr, remote: client.remoteAddr as Deno.NetAddr };
      await until(() => libc.unsentBytesOf([ends])[0] === 0, "the proxy's kernel has the request");
      reset(client);
      client.close();
      // The proxy sees that before the application reads. It says nothing until the connection is over.
      await pause(SEEN_MS);
      assert.deepEqual(await readExactly(application, request.length), request);
      const { reason } = await proxy.program.record(({ event }) => event === "connection", "record of the connection");
      assert.equal(reason, "client-reset");
      await answering;
    });
  }

  if (!has("unix-listen")) return;
  peerTest(
    "lets a client on a Unix socket tell that its application was cut, and the next as well",
    [OPENSSL],
    async (dir) => {
      const path = dir.file("listen.sock");
      await using backend = new TcpBackend(async (conn) => {
        // A byte that it does not take would be refused, and the answer an early one.
        await readExactly(conn, 1);
        await writeAll(conn, new TextEncoder().encode(ANSWER));
        reset(conn);
      });
      await using proxy = await start(dir, backend.address, { listener: { listen: `unix:${path}` } });
      const { program } = proxy;
      for (const count of [1, 2]) {
        const args = ["s_client", "-unix", path, "-ign_eof", "-quiet"];
        const { text, errors } = await runPeer("openssl", args, Uint8Array.of(7));
        assert.ok(text === ANSWER, `${text.length} bytes have come`);
        assert.match(errors, /unexpected eof/);
        await until(() => program.connections().length === count, "each has its record");
      }
      assert.deepEqual(program.connections().map(({ reason, worker }) => [reason, worker]), [
        ["backend-reset", 0],
        ["backend-reset", 0],
      ]);
      assert.ok(program.records.every(({ event }) => event !== "worker-died"), "the worker goes on");
    },
  );
}
