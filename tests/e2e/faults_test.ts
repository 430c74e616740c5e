import assert from "node:assert/strict";
import net from "node:net";
import tls from "node:tls";
import { Backend, echo, readAll, readExactly, writeAll } from "../support/applications/backend.ts";
import { EchoApp } from "../support/applications/echo_app.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { patternBytes } from "../support/random.ts";
import { floorTest } from "../support/proxies/under_test.ts";
import { until, untilStill } from "../support/wait.ts";
import { untilDescriptors } from "../support/proxies/process_status.ts";

/** The first bytes of a real ClientHello: a record header that announces more than follows. */
const HALF_CLIENT_HELLO = Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 1, 2, 3, 4);

Deno.test("proxy frees silent connections and half ClientHellos, and serves others meanwhile", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { listener: { timeouts: { handshake: "2s" } } });
  const before = proxy.program.fds();
  const stalled: Deno.TcpConn[] = [];
  for (let index = 0; index < 1000; index++) {
    const conn = await proxy.connectTcp();
    if (index % 2 === 1) await writeAll(conn, HALF_CLIENT_HELLO);
    stalled.push(conn);
    if (index % 100 === 0) await assertEcho(proxy);
  }
  await untilDescriptors(proxy.program, before + 4);
  await assertEcho(proxy);
  // So many failures are not logged one by one, but each is counted.
  const told = () =>
    proxy.program.records.reduce((sum, { event, reason, handshake_timeout }) => {
      if (event === "connection" && reason === "handshake-timeout") return sum + 1;
      return event === "suppressed" ? sum + Number(handshake_timeout) : sum;
    }, 0);
  await until(() => told() >= 1000, "the log tells of all of them", 90_000);
  assert.equal(told(), 1000);
  for (const conn of stalled) conn.close();
});

Deno.test("proxy frees both sockets of a client that stopped reading, and holds little meanwhile", async () => {
  using dir = new TempDir();
  const chunk = patternBytes(1_000_000);
  let sent = 0;
  let ended = 0;
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    await conn.read(new Uint8Array(1));
    try {
      for (sent = 0; sent < 1_000_000_000; sent += chunk.length) await writeAll(conn, chunk);
    } finally {
      ended++;
    }
  });
  await using proxy = await Proxy.start(dir, backend.address, { listener: { timeouts: { idle: "3s" } } });
  // The first transfers warm up code and heap; what is measured is what the stalled one adds.
  for (let warm = 1; warm <= 3; warm++) {
    const client = await proxy.connect();
    await client.write(Uint8Array.of(1));
    await readExactly(client, 20_000_000);
    client.close();
    await until(() => ended === warm, "the warm-up has ended");
  }
  const fdsBefore = proxy.program.fds();
  const rssBefore = proxy.program.rssKiB();
  const client = await proxy.connect();
  await client.write(Uint8Array.of(1));
  await untilStill(() => sent, "the application cannot write any more");
  const grown = proxy.program.rssKiB() - rssBefore;
  assert.ok(sent < 100_000_000, `backpressure did not hold: ${sent} bytes were taken`);
  assert.ok(grown < 2 * 1024, `resident memory grew by ${grown} KiB`);
  await untilDescriptors(proxy.program, fdsBefore);
  await until(() => ended === 4, "the application sees the end");
  const record = await proxy.program.record(({ reason }) => reason === "idle");
  assert.ok(Number(record.bytes_out) > 0);
  client.close();
});

Deno.test("proxy ends a half-closed connection whose other side stays silent", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    await readAll(conn);
    await new Promise<never>(() => {});
  });
  await using proxy = await Proxy.start(dir, backend.address, { listener: { timeouts: { "half-close": "1s" } } });
  const before = proxy.program.fds();
  const client = await proxy.connect();
  await client.closeWrite();
  await proxy.program.record(({ reason }) => reason === "half-close-timeout");
  await untilDescriptors(proxy.program, before);
  client.close();
});

floorTest("proxy ends connections at their lifetime, busy or not", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { listener: { timeouts: { lifetime: "1s" } } });
  const client = await proxy.connect();
  // The client is told of the end by close_notify.
  const talking = (async () => {
    const buffer = new Uint8Array(16);
    while (await client.write(buffer) > 0 && await client.read(buffer) !== null);
  })();
  await Promise.all([proxy.program.record(({ reason }) => reason === "lifetime"), talking]);
  client.close();
});

Deno.test("proxy treats FIN without close_notify as the end of the request, and still answers", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    await writeAll(conn, await readAll(conn));
  });
  await using proxy = await Proxy.start(dir, backend.address);
  const before = proxy.program.fds();
  const socket = net.connect({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true });
  const client = tls.connect({ socket, ca: [proxy.cert], servername: "localhost" });
  await new Promise<void>((resolve, reject) => client.once("secureConnect", resolve).once("error", reject));
  const answer = new Promise<string>((resolve) => client.once("data", (data) => resolve(data.toString())));
  await new Promise<void>((resolve) => client.write("hello", () => resolve()));
  socket.end();
  assert.equal(await answer, "hello");
  client.destroy();
  const record = await proxy.program.record(({ event }) => event === "connection");
  assert.equal(record.bytes_in, 5);
  assert.equal(record.bytes_out, 5);
  await untilDescriptors(proxy.program, before);
});

Deno.test("proxy survives resets from clients in the middle of an answer", async () => {
  using dir = new TempDir();
  const chunk = patternBytes(1_000_000);
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    await conn.read(new Uint8Array(1));
    for (let sent = 0; sent < 200; sent++) await writeAll(conn, chunk);
  });
  await using proxy = await Proxy.start(dir, backend.address);
  const before = proxy.program.fds();
  for (let index = 0; index < 20; index++) {
    const socket = net.connect({ host: "127.0.0.1", port: proxy.port });
    const client = tls.connect({ socket, ca: [proxy.cert], servername: "localhost" });
    client.on("error", () => {});
    await new Promise<void>((resolve) => client.once("secureConnect", resolve));
    client.write("x");
    await new Promise<void>((resolve) => client.once("data", () => resolve()));
    socket.resetAndDestroy();
    client.destroy();
  }
  await until(() => proxy.program.connections().length === 20, "every connection has its record");
  await untilDescriptors(proxy.program, before);
  const reasons = new Set(proxy.program.connections().map(({ reason }) => reason));
  assert.deepEqual(reasons, new Set(["client-reset"]));
});

Deno.test("proxy closes the connection at once when garbage comes instead of TLS", async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address);
  const before = proxy.program.fds();
  for (const garbage of ["GET / HTTP/1.1\r\nHost: x\r\n\r\n", "\0".repeat(100), "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"]) {
    const conn = await proxy.connectTcp();
    await writeAll(conn, new TextEncoder().encode(garbage));
    await readAll(conn).catch(() => {});
    conn.close();
  }
  await until(() => proxy.program.connections().length === 3, "every connection has its record");
  for (const record of proxy.program.connections()) assert.equal(record.reason, "handshake-failed");
  await untilDescriptors(proxy.program, before);
  assert.equal(backend.accepted, 0);
});

Deno.test("proxy closes clients at once while its application is missing, and serves when that comes", async () => {
  using dir = new TempDir();
  await using proxy = await Proxy.start(dir, `unix:${dir.file("app.sock")}`, { listener: { timeouts: { retry: 0 } } });
  const before = proxy.program.fds();
  const client = await proxy.connect();
  assert.equal((await readAll(client)).length, 0);
  client.close();
  const record = await proxy.program.record(({ reason }) => reason === "backend-unreachable");
  assert.equal(record.level, "warn");
  assert.match(String(record.error), /No such file|not found/i);
  // An application may also be missing with its socket file still there.
  const dying = await EchoApp.start(dir.file("app.sock"));
  await dying[Symbol.asyncDispose]();
  assert.ok(Deno.statSync(dir.file("app.sock")).isSocket);
  const refused = await proxy.connect();
  assert.equal((await readAll(refused)).length, 0);
  refused.close();
  Deno.removeSync(dir.file("app.sock"));
  await using backend = new Backend(dir.file("app.sock"), echo);
  await assertEcho(proxy);
  await untilDescriptors(proxy.program, before);
  assert.equal(backend.accepted, 1);
});

Deno.test("proxy waits for an application whose accept backlog is full, until the connect deadline", async () => {
  using dir = new TempDir();
  const path = dir.file("app.sock");
  await using application = await EchoApp.start(path);
  application.child.kill("SIGSTOP");
  const fillers = await fillBacklog(path);
  await using proxy = await Proxy.start(dir, `unix:${path}`, { listener: { timeouts: { connect: "20s" } } });
  await using impatient = await Proxy.start(dir, `unix:${path}`, { listener: { timeouts: { connect: "1s" } } });
  const client = await proxy.connect();
  await client.write(new TextEncoder().encode("late"));
  const refused = await impatient.connect();
  assert.equal((await readAll(refused)).length, 0);
  refused.close();
  await impatient.program.record(({ reason }) => reason === "backend-unreachable");
  assert.equal(proxy.program.connections().length, 0);
  application.child.kill("SIGCONT");
  const buffer = new Uint8Array(16);
  const count = await client.read(buffer);
  assert.equal(new TextDecoder().decode(buffer.subarray(0, count!)), "late");
  client.close();
  for (const filler of fillers) filler.close();
});

/** Connects until the kernel answers with EAGAIN, which the proxy will get then, too. */
async function fillBacklog(path: string): Promise<Deno.Conn[]> {
  const fillers: Deno.Conn[] = [];
  for (;;) {
    try {
      fillers.push(await Deno.connect({ transport: "unix", path }));
      assert.ok(fillers.length < 100, "the backlog is never full");
    } catch (error) {
      assert.match(String(error), /temporarily unavailable/);
      return fillers;
    }
  }
}

async function assertEcho(proxy: Proxy): Promise<void> {
  const client = await proxy.connect();
  await client.write(new TextEncoder().encode("ping"));
  await client.closeWrite();
  assert.equal(new TextDecoder().decode(await readAll(client)), "ping");
  client.close();
}
