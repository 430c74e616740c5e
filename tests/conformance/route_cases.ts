import assert from "node:assert/strict";
import net from "node:net";
import { Backend, readAll, readExactly, writeAll } from "../support/applications/backend.ts";
import { peerTest } from "../support/peers/peers.ts";
import { rawHello } from "../support/peers/raw_hello.ts";
import { sClient } from "../support/peers/s_client.ts";
import { TempDir, testCertificate } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";
import { tlsClient } from "./client.ts";
import type { Bench } from "./suite.ts";

/** Cases of several applications behind one address. */
export function routeCases({ contender, has, test, start, refusal }: Bench): void {
  test("gives each protocol its own application", async (dir) => {
    await using h2 = saysItsName(dir, "h2");
    await using http1 = saysItsName(dir, "http1");
    const listener = {
      alpn: ["h2", "http/1.1"],
      route: [
        { name: "two", alpn: ["h2"], backend: h2.address },
        { name: "one", alpn: ["http/1.1"], backend: http1.address },
      ],
    };
    await using proxy = await start(dir, [], { listener });
    const speak = (...ALPNProtocols: string[]) => tlsClient({ port: proxy.port, ALPNProtocols });
    assert.equal((await speak("h2", "http/1.1")).answer, "h2");
    assert.equal((await speak("http/1.1")).answer, "http1");
    const other = await speak("smtp");
    assert.equal(other.answer, null);
    assert.match(other.error, /no.?application.?protocol|alert number 120/i);
    const silent = await tlsClient({ port: proxy.port, servername: "localhost" });
    assert.equal(silent.answer, null, "no protocol, no route");
    // Native on Deno does not know the name, and must not say that there was none.
    const told = /^No route for ("localhost"|a client) with no protocol$/;
    await proxy.program.record(({ reason, error }) => reason === "no-route" && told.test(String(error)), "refusal");
    await until(() => proxy.program.connections().filter(({ route }) => route !== undefined).length === 2, "records");
    assert.deepEqual(routesOf(proxy.program.connections()), [["two", h2.address], ["one", http1.address]]);
  });

  test("gives each server name its own application, and the rest to the listener's", async (dir) => {
    await using own = saysItsName(dir, "own");
    await using api = saysItsName(dir, "api");
    await using wild = saysItsName(dir, "wild");
    const listener = {
      route: [
        { "server-name": ["api.example"], backend: api.address },
        { name: "wild", "server-name": ["*.example", "localhost"], backend: wild.address },
      ],
    };
    if (!has("routes-by-name")) return await assertRefused(dir, listener, /routes by server name.*engine = "node"/);
    await using proxy = await start(dir, own.address, { listener });
    const speak = async (servername: string) => (await tlsClient({ port: proxy.port, servername })).answer;
    assert.equal(await speak("api.example"), "api");
    assert.equal(await speak("API.Example"), "api");
    assert.equal(await speak("other.example"), "wild");
    assert.equal(await speak("a.b.example"), "own");
    assert.equal(await speak("unknown.test"), "own");
    assert.equal(await speak(""), "own");
    await until(() => proxy.program.connections().length === 6, "every connection has its record");
    assert.deepEqual(proxy.program.connections().map(({ route }) => route), [
      "api.example",
      "api.example",
      "wild",
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("tells a client whose server name has no route", async (dir) => {
    await using api = saysItsName(dir, "api");
    const listener = { route: [{ "server-name": ["api.example"], backend: api.address }] };
    if (!has("name-refusal")) {
      return await assertRefused(dir, { ...listener, backend: [] }, /without a route.*engine = "node"/);
    }
    await using proxy = await start(dir, [], { listener });
    assert.equal((await tlsClient({ port: proxy.port, servername: "api.example" })).answer, "api");
    for (const servername of ["unknown.test", ""]) {
      const refused = await tlsClient({ port: proxy.port, servername });
      assert.equal(refused.answer, null);
      assert.match(refused.error, /unrecogni[sz]ed.?name|alert number 112/i);
    }
    await until(
      () => proxy.program.connections().filter(({ reason }) => reason === "no-route").length === 2,
      "each refusal has its record",
    );
    const refusals = proxy.program.connections().filter(({ reason }) => reason === "no-route");
    assert.deepEqual(refusals.map(({ sni }) => sni), ["unknown.test", undefined]);
    assert.equal(api.accepted, 1);
  });

  test("offers a client the protocols that its server name has routes for", async (dir) => {
    await using h2 = saysItsName(dir, "h2");
    await using http1 = saysItsName(dir, "http1");
    const listener = {
      alpn: ["h2", "http/1.1"],
      route: [
        { "server-name": "a.example", alpn: ["h2"], backend: h2.address },
        { "server-name": "b.example", alpn: ["http/1.1"], backend: http1.address },
      ],
    };
    if (!has("alpn-by-name")) {
      return await assertRefused(dir, { ...listener, backend: [] }, /name and protocol.*engine = "node"/);
    }
    await using proxy = await start(dir, [], { listener });
    const speak = (servername: string, ...ALPNProtocols: string[]) =>
      tlsClient({ port: proxy.port, servername, ALPNProtocols });
    const a = await speak("a.example", "http/1.1", "h2");
    assert.deepEqual([a.alpn, a.answer], ["h2", "h2"]);
    const b = await speak("b.example", "h2", "http/1.1");
    assert.deepEqual([b.alpn, b.answer], ["http/1.1", "http1"]);
    const none = await speak("b.example", "h2");
    assert.equal(none.answer, null);
    assert.match(none.error, /no.?application.?protocol|alert number 120/i);
  });

  test("passes TLS on as it is, the ClientHello first, however it is divided", async (dir) => {
    const { cert, key } = await testCertificate();
    const tcp = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key, alpnProtocols: ["x-inner"] });
    await using terminated = saysItsName(dir, "terminated");
    const serving = (async () => {
      for await (const conn of tcp) void serveInner(conn);
    })();
    const listener = {
      alpn: ["h2"],
      route: [{ "server-name": "localhost", passthrough: true, backend: `127.0.0.1:${tcp.addr.port}` }],
    };
    if (!has("passthrough")) {
      tcp.close();
      await serving;
      return await assertRefused(dir, listener, /passthrough.*engine = "node"/);
    }
    {
      await using proxy = await start(dir, terminated.address, { listener });
      const inner = await tlsClient({ port: proxy.port, servername: "localhost", ALPNProtocols: ["x-inner"] });
      assert.deepEqual([inner.alpn, inner.answer], ["x-inner", "inner hello"]);
      const other = await tlsClient({ port: proxy.port, servername: "a.example", ALPNProtocols: ["h2"] });
      assert.deepEqual([other.alpn, other.answer], ["h2", "terminated"]);
      const divided = await tlsClient({
        socket: await byteByByte(proxy.port),
        servername: "localhost",
        ALPNProtocols: ["x-inner"],
      });
      assert.equal(divided.answer, "inner hello");
      await until(() => proxy.program.connections().length === 3, "every connection has its record");
      const [first] = proxy.program.connections();
      assert.deepEqual([first.route, first.sni, "tls_version" in first], ["localhost", "localhost", false]);
      assert.ok(Number(first.bytes_in) > 200 && Number(first.bytes_out) > 200, "its TLS is counted");
      // Whether TLS 1.1 is spoken, which the listener does not speak, is for the backend to say.
      const old = await proxy.connectTcp();
      await writeAll(old, rawHello(0x0302, "localhost"));
      await readAll(old).catch(() => {});
      old.close();
      await until(() => proxy.program.connections().length === 4, "the last one has its record");
      const { route, bytes_out } = proxy.program.connections()[3];
      assert.deepEqual([route, bytes_out], ["localhost", 7], "the backend's alert");
      tcp.close();
    }
    await serving;
  });

  const resumption =
    `${contender.engine} on ${contender.runtime} routes a resumed session by the name of the connection`;
  if (has("routes-by-name")) {
    peerTest(resumption, [{ command: "openssl", debian: "openssl" }], async () => {
      using dir = new TempDir();
      await using own = saysItsName(dir, "own");
      await using api = saysItsName(dir, "api");
      const route = [{ "server-name": "api.example", backend: api.address }];
      await using proxy = await start(dir, own.address, { listener: { route } });
      const file = dir.file("session.pem");
      const said = async (name: string, ...args: string[]) => {
        const { text } = await sClient(proxy.port, "-servername", name, ...args);
        return /^(api|own)/m.exec(text)?.[1];
      };
      assert.equal(await said("api.example", "-sess_out", file), "api");
      assert.equal(await said("API.example.", "-sess_in", file), "api");
      assert.equal(await said("other.test", "-sess_in", file), "own");
    });
  }

  async function assertRefused(dir: TempDir, listener: Record<string, unknown>, said: RegExp): Promise<void> {
    const { cert, key } = await testCertificate();
    Deno.writeTextFileSync(dir.file("cert.pem"), cert);
    Deno.writeTextFileSync(dir.file("key.pem"), key);
    const { code, lines } = await refusal(dir, { cert: "cert.pem", key: "key.pem", ...listener });
    assert.equal(code, 1);
    assert.match(lines.join("\n"), said);
  }
}

/** An application that answers with its name to the first bytes. */
function saysItsName(dir: TempDir, name: string): Backend {
  return new Backend(dir.file(`${name}.sock`), async (conn) => {
    await readExactly(conn, 1);
    await writeAll(conn, new TextEncoder().encode(name));
    await conn.closeWrite();
    while (await conn.read(new Uint8Array(1024)) !== null);
  });
}

async function serveInner(conn: Deno.TlsConn): Promise<void> {
  try {
    const hello = await readExactly(conn, "hello".length);
    await writeAll(conn, new TextEncoder().encode(`inner ${new TextDecoder().decode(hello)}`));
    await conn.closeWrite();
    while (await conn.read(new Uint8Array(1024)) !== null);
  } catch {
    // The outcome at the client is asserted there.
  } finally {
    conn.close();
  }
}

/** A socket whose first kilobytes leave in segments of one byte. */
function byteByByte(port: number): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
    const write = socket.write.bind(socket);
    let first = true;
    socket.write = ((chunk: Uint8Array, ...rest: unknown[]) => {
      if (!first || chunk.length < 2) return write(chunk, ...rest as []);
      first = false;
      for (let at = 0; at < chunk.length - 1; at++) write(chunk.subarray(at, at + 1));
      return write(chunk.subarray(-1), ...rest as []);
    }) as typeof socket.write;
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

function routesOf(records: Record<string, unknown>[]): unknown[] {
  return records.filter(({ route }) => route !== undefined).map(({ route, backend }) => [route, backend]);
}
