import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import http2 from "node:http2";
import tls from "node:tls";
import { Backend, echo, readAll, readExactly, writeAll } from "../support/applications/backend.ts";
import { Nginx } from "../support/peers/nginx.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir, testCertificate } from "../support/proxies/proxy.ts";
import { runtimeCommand } from "../support/proxies/runtimes.ts";
import { sClient } from "../support/peers/s_client.ts";
import { contenders, engineTest } from "../support/proxies/under_test.ts";
import { until } from "../support/wait.ts";
import { WebApps } from "../support/applications/web_apps.ts";

const CURL = { command: "curl", debian: "curl" };
const NGINX = { command: "nginx", debian: "nginx" };
const OPENSSL = { command: "openssl", debian: "openssl" };

for (const { runtime } of contenders([{ runtime: "deno", engine: "node" }, { runtime: "bun", engine: "node" }])) {
  peerTest(`ten applications share one address on ${runtime}`, [CURL, NGINX, OPENSSL], async () => {
    using dir = new TempDir();
    await using apps = await WebApps.start(dir.path);
    Deno.writeTextFileSync(dir.file("page"), "nginx's page", { mode: 0o644 });
    Deno.chmodSync(dir.path, 0o755);
    await using _nginx = await Nginx.start(
      dir.path,
      `server { listen unix:${dir.file("nginx.sock")}; root ${dir.path}; }`,
      dir.file("nginx.sock"),
    );
    await using echoing = new Backend(dir.file("echo.sock"), echo);
    await using wild = new Backend(dir.file("wild.sock"), (conn) => says(conn, "wild"));
    await using own = new Backend(dir.file("own.sock"), (conn) => says(conn, "own"));
    await using inner = await InnerTls.start();
    const route = [
      { name: "exact", "server-name": "api.wild.example", backend: apps.address("http1") },
      { name: "wild", "server-name": "*.wild.example", backend: wild.address },
      { name: "http1", "server-name": "http1.example", backend: apps.address("http1") },
      { name: "h2", "server-name": "h2.example", alpn: ["h2"], backend: apps.address("h2") },
      { name: "fallback", "server-name": "h2.example", alpn: ["http/1.1"], backend: apps.address("fallback") },
      { name: "grpc", "server-name": "grpc.example", alpn: ["h2"], backend: apps.address("grpc") },
      { name: "ws", "server-name": "ws.example", alpn: ["http/1.1"], backend: apps.address("ws") },
      { name: "nginx", "server-name": "nginx.example", backend: `unix:${dir.file("nginx.sock")}` },
      { name: "echo", "server-name": "echo.example", backend: echoing.address },
      { name: "inner", "server-name": "inner.example", passthrough: true, backend: inner.address },
    ];
    await using proxy = await Proxy.start(dir, own.address, {
      command: await runtimeCommand(runtime),
      config: { workers: 2 },
      listener: { alpn: ["h2", "http/1.1"], route },
    });
    const { port } = proxy;
    const curl = async (name: string, ...args: string[]) => {
      const resolve = ["--resolve", `${name}:${port}:127.0.0.1`];
      return (await runPeer("curl", ["-sk", ...resolve, ...args, `https://${name}:${port}/page`])).text;
    };

    assert.equal(await curl("http1.example", "--http1.1"), `http1 http1.example:${port}`);
    assert.equal(await curl("api.wild.example", "--http1.1"), `http1 api.wild.example:${port}`);
    assert.equal(await curl("h2.example", "--http2"), `h2 h2.example:${port}`);
    assert.equal(await curl("h2.example", "--http1.1"), `fallback h2.example:${port}`);
    assert.equal(await curl("nginx.example", "--http1.1"), "nginx's page");
    assert.equal(await callUnary(port, "grpc.example", "a message"), "a message, status 0");
    assert.equal(await speakWebSocket(port, "ws.example", "a frame"), "a frame");
    // Case and the root's dot do not matter.
    for (const name of ["echo.example", "ECHO.Example", "echo.example."]) {
      assert.ok((await sClient(port, "-servername", name)).echoed, name);
    }
    const say = async (name: string | null) =>
      (await sClient(port, ...name === null ? ["-noservername"] : ["-servername", name])).text;
    assert.match(await say("other.wild.example"), /^wild$/m);
    assert.match(await say("a.b.wild.example"), /^own$/m);
    assert.match(await say("unknown.test"), /^own$/m);
    assert.match(await say(null), /^own$/m);
    // The passed through connection shows the application's own certificate, after a post-quantum key share or without.
    const passed = await sClient(port, "-servername", "inner.example");
    assert.match(passed.text, /^inner$/m);
    assert.match(passed.text, /subject=.*inner/);

    const records = () => proxy.program.connections();
    await until(() => records().length >= 15, "every connection has its record");
    const backendOf = new Map(route.map(({ name, backend }) => [name, backend]));
    for (const { route, backend } of records()) {
      assert.equal(backend, route === undefined ? own.address : backendOf.get(String(route)));
    }
    assert.deepEqual(new Set(records().map(({ route }) => route ?? "own")), new Set([...backendOf.keys(), "own"]));
  });
}

engineTest("node", "a reload changes routes for new connections alone", [], async () => {
  using dir = new TempDir();
  await using first = new Backend(dir.file("first.sock"), echo);
  await using _second = new Backend(dir.file("second.sock"), (conn) => says(conn, "second"));
  await using proxy = await Proxy.start(dir, [], {
    listener: { route: [{ name: "app", "server-name": "localhost", backend: first.address }] },
  });
  const client = await Deno.connectTls({ hostname: "localhost", port: proxy.port, caCerts: [proxy.cert] });
  await client.write(Uint8Array.of(1));
  await readExactly(client, 1);
  const file = dir.file("proxy.toml");
  Deno.writeTextFileSync(file, Deno.readTextFileSync(file).replace("first.sock", "second.sock"));
  assert.equal((await proxy.reload()).event, "reload");
  const other = await Deno.connectTls({ hostname: "localhost", port: proxy.port, caCerts: [proxy.cert] });
  await other.write(Uint8Array.of(1));
  assert.equal(new TextDecoder().decode(await readAll(other)).trim(), "second");
  other.close();
  await client.write(Uint8Array.of(2));
  assert.deepEqual(await readExactly(client, 1), Uint8Array.of(2), "the old connection has its old route");
  client.close();
  // A route that is gone refuses new connections, and leaves those that have it.
  Deno.writeTextFileSync(file, Deno.readTextFileSync(file).replace('"localhost"', '"elsewhere.test"'));
  assert.equal((await proxy.reload()).event, "reload");
  await assert.rejects(async () => {
    const refused = await Deno.connectTls({ hostname: "localhost", port: proxy.port, caCerts: [proxy.cert] });
    await refused.handshake();
  });
  await proxy.program.record(({ reason }) => reason === "no-route", "record of the refusal");
});

engineTest(
  "node",
  "a client that is silent within its ClientHello is cut at the handshake's deadline, passed through or not",
  [],
  async () => {
    using dir = new TempDir();
    await using app = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, [], {
      listener: {
        route: [{ "server-name": "localhost", passthrough: true, backend: app.address }],
        timeouts: { handshake: "1s" },
      },
    });
    const silent = await proxy.connectTcp();
    await silent.write(Uint8Array.of(22, 3, 1, 2, 0, 1, 0, 1));
    const { reason } = await proxy.program.record(({ event }) => event === "connection", "record of the silent client");
    assert.equal(reason, "handshake-timeout");
    silent.close();
    // A hello that never ends, and one that is none.
    const records = () => proxy.program.connections().slice(1);
    const huge = new Uint8Array(40_000);
    huge.set([22, 3, 1, 0xff, 0xff, 1, 0, 0x7f, 0xf0]);
    for (const bytes of [huge, new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n")]) {
      const count = records().length;
      const client = await proxy.connectTcp();
      await writeAll(client, bytes).catch(() => {});
      await until(() => records().length === count + 1, "it is refused");
      client.close();
      assert.equal(records().at(-1)!.reason, "handshake-failed");
    }
    assert.equal(app.accepted, 0);
  },
);

async function says(conn: Deno.Conn, text: string): Promise<void> {
  await conn.read(new Uint8Array(1024));
  await writeAll(conn, new TextEncoder().encode(`${text}\n`));
  await conn.closeWrite();
  while (await conn.read(new Uint8Array(1024)) !== null);
}

/** An application with a certificate of its own. */
class InnerTls implements AsyncDisposable {
  private constructor(readonly server: tls.Server, readonly address: string) {}

  static async start(): Promise<InnerTls> {
    const { makeSelfSigned } = await import("../../src/tls/certificates/self_signed.ts");
    const { cert, key } = await makeSelfSigned({ hosts: ["inner.example"] });
    const server = tls.createServer({ cert, key }, (socket) => {
      socket.once("data", () => socket.end("inner\n"));
      socket.on("error", () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new InnerTls(server, `127.0.0.1:${(server.address() as { port: number }).port}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/**
 * One gRPC call (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md): the message that came back, and the
 * status.
 */
function callUnary(port: number, host: string, message: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const session = http2.connect(`https://127.0.0.1:${port}`, { servername: host, rejectUnauthorized: false });
    session.on("error", reject);
    const call = session.request({
      ":method": "POST",
      ":path": "/test.Echo/Echo",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const text = Buffer.from(message);
    const chunks: Buffer[] = [];
    let status = "";
    call.on("data", (chunk: Buffer) => chunks.push(chunk));
    call.on("trailers", (trailers) => status = String(trailers["grpc-status"]));
    call.on("error", reject);
    call.on("close", () => {
      session.close();
      resolve(`${Buffer.concat(chunks).subarray(5)}, status ${status}`);
    });
    call.end(Buffer.concat([Buffer.of(0, 0, 0, 0, text.length), text]));
  });
}

/** Upgrades, sends one masked text frame, and answers the text that comes back (RFC 6455). */
async function speakWebSocket(port: number, host: string, message: string): Promise<string> {
  const { cert } = await testCertificate();
  return await new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, servername: host, ca: cert, ALPNProtocols: ["http/1.1"] };
    const socket = tls.connect({ ...options, rejectUnauthorized: false }, () =>
      socket.write(
        `GET / HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      ));
    let received = Buffer.alloc(0);
    let upgraded = false;
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const end = received.indexOf("\r\n\r\n");
      if (upgraded || end < 0) return;
      upgraded = true;
      assert.match(received.toString(), /^HTTP\/1\.1 101 [^]*s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
      received = received.subarray(end + 4);
      const text = Buffer.from(message);
      const mask = [1, 2, 3, 4];
      socket.write(Buffer.from([0x81, 0x80 | text.length, ...mask, ...text.map((byte, i) => byte ^ mask[i % 4])]));
    });
    socket.on("error", reject);
    socket.on("end", () => resolve(received.subarray(2).toString()));
  });
}
