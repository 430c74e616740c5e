import assert from "node:assert/strict";
import { Reader } from "../../src/tls/client_hello.ts";
import { Backend, echo, readAll, writeAll } from "../support/applications/backend.ts";
import type { Proxy } from "../support/proxies/proxy.ts";
import type { Bench } from "./suite.ts";

/** The hybrid of X25519 and ML-KEM-768, which a recording is safe by from machines that do not exist yet. */
const X25519MLKEM768 = 0x11ec;
const KEY_SHARE = 51;

/** Which key exchange is agreed on, seen on the wire: no runtime's update should lose one unseen. */
export function keyExchangeCases({ contender, test, start }: Bench): void {
  // rustls prefers X25519 where a client sends both, as Deno's does; Node has the hybrid from 24 on.
  if (contender.runtime !== "bun") return;
  test("agrees on a post-quantum key exchange", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address);
    assert.equal(await agreedGroup(proxy), X25519MLKEM768);
  });
}

/** Lets Deno's client, which offers both, shake hands by way of a wire that is listened to. */
async function agreedGroup(proxy: Proxy): Promise<number> {
  const wire = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const heard: Uint8Array[] = [];
  const relaying = (async () => {
    using client = await wire.accept();
    using server = await proxy.connectTcp();
    const outward = (async () => {
      for await (const chunk of server.readable) {
        heard.push(chunk.slice());
        await writeAll(client, chunk);
      }
    })();
    const buffer = new Uint8Array(16384);
    for (let count = await client.read(buffer); count !== null; count = await client.read(buffer)) {
      await writeAll(server, buffer.subarray(0, count));
    }
    await outward.catch(() => {});
  })().catch(() => {});
  const port = wire.addr.port;
  const conn = await Deno.connectTls({ hostname: "localhost", port, caCerts: [proxy.cert] });
  await writeAll(conn, new TextEncoder().encode("hello"));
  await conn.closeWrite();
  assert.equal(new TextDecoder().decode(await readAll(conn)), "hello");
  conn.close();
  wire.close();
  await relaying;
  return readGroup(Uint8Array.from(heard.flatMap((chunk) => [...chunk])));
}

/** The group of the first message, a ServerHello (RFC 8446 section 4.1.3). */
function readGroup(bytes: Uint8Array): number {
  const hello = new Reader(bytes.subarray(5 + 4));
  hello.skip(2 + 32); // legacy_version, random
  hello.skip(hello.uint8()); // legacy_session_id_echo
  hello.skip(2 + 1); // cipher_suite, legacy_compression_method
  const extensions = hello.part(hello.uint16());
  while (extensions.left > 0) {
    const type = extensions.uint16();
    const extension = extensions.part(extensions.uint16());
    if (type === KEY_SHARE) return extension.uint16();
  }
  throw new Error("ServerHello without a key share");
}
