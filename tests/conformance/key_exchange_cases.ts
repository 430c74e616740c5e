import assert from "node:assert/strict";
import { Reader } from "../../src/tls/client_hello.ts";
import { Backend, echo, readAll, writeAll } from "../support/applications/backend.ts";
import { POST_QUANTUM } from "../../src/tls/capabilities.ts";
import { runProgram } from "../support/proxies/program.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import type { Proxy } from "../support/proxies/proxy.ts";
import type { Bench } from "./suite.ts";

/** The hybrid of X25519 and ML-KEM-768. With it a recorded connection stays secret from a later quantum computer. */
const X25519MLKEM768 = 0x11ec;
const X25519 = 0x001d;
const KEY_SHARE = 51;
const HANDSHAKE = 22;

/**
 * Cases of the key exchange that is agreed on, seen on the wire, so that no update of a runtime loses one unnoticed.
 */
export function keyExchangeCases({ contender, test, start }: Bench): void {
  test("agrees on a post-quantum key exchange as `version` says", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address);
    const { stdout } = await runProgram(["version"], { command: await runtimeCommand(contender.runtime) });
    const said = /^post-quantum (.*)$/m.exec(stdout)?.[1] ?? "";
    assert.equal(await requestedGroup(proxy), said.startsWith("X25519MLKEM768") ? X25519MLKEM768 : null);
    const first = said.endsWith("preferred") ? X25519MLKEM768 : X25519;
    assert.equal(await agreedGroup(proxy), first);
    const promised = POST_QUANTUM[contender.runtime];
    if (promised !== "newer") assert.equal(said.endsWith("preferred") ? "preferred" : "accepted", promised);
  });
}

/**
 * The group that a server asks for of a client that speaks the hybrid alone and has sent no share yet; `null` where it
 * refuses (RFC 8446 section 4.1.4).
 */
async function requestedGroup(proxy: Proxy): Promise<number | null> {
  using conn = await proxy.connectTcp();
  await writeAll(conn, helloOfGroup(X25519MLKEM768));
  const chunks: number[] = [];
  const buffer = new Uint8Array(4096);
  while (chunks.length < 5 || chunks.length < 5 + (chunks[3] << 8 | chunks[4])) {
    const count = await conn.read(buffer);
    if (count === null) break;
    chunks.push(...buffer.subarray(0, count));
  }
  return chunks[0] === HANDSHAKE ? readGroup(Uint8Array.from(chunks)) : null;
}

/** A ClientHello of TLS 1.3 in one record. */
function helloOfGroup(group: number): Uint8Array<ArrayBuffer> {
  const uint16 = (value: number) => [value >> 8, value & 0xff];
  const extensions = [
    [0, 10, 0, 4, 0, 2, ...uint16(group)], // supported_groups
    [0, 13, 0, 4, 0, 2, 4, 3], // signature_algorithms: ECDSA P-256 with SHA-256
    [0, 43, 0, 3, 2, 3, 4], // supported_versions: TLS 1.3
    [0, KEY_SHARE, 0, 2, 0, 0], // no share yet
  ].flat();
  const random = [...crypto.getRandomValues(new Uint8Array(32))];
  const hello = [3, 3, ...random, 0, 0, 4, 0x13, 1, 0x13, 2, 1, 0, ...uint16(extensions.length), ...extensions];
  return Uint8Array.of(HANDSHAKE, 3, 1, ...uint16(hello.length + 4), 1, 0, ...uint16(hello.length), ...hello);
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
