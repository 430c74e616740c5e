import assert from "node:assert/strict";
import net from "node:net";
import tls from "node:tls";
import { Backend, echo, readAll, writeAll } from "../support/applications/backend.ts";
import { exchange } from "../support/exchange.ts";
import type { Proxy } from "../support/proxies/proxy.ts";
import { patternBytes } from "../support/random.ts";
import { PATIENCE_MS, until } from "../support/wait.ts";
import { type Bench, connectionRecord } from "./suite.ts";
import { untilDescriptors } from "../support/proxies/process_status.ts";

const CHUNK = patternBytes(1_000_000);

/** Cases of faults: whatever the peers do, both sockets are freed, the reason is logged, and others are served. */
export function faultCases({ test, start }: Bench): void {
  test("frees handshakes that stall, and serves others meanwhile", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, { listener: { timeouts: { handshake: "3s" } } });
    await assertEcho(proxy);
    const before = proxy.program.fds();
    const stalled: Deno.Conn[] = [];
    for (let index = 0; index < 40; index++) {
      const conn = await proxy.connectTcp();
      if (index % 2 === 1) await writeAll(conn, Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3));
      stalled.push(conn);
    }
    await assertEcho(proxy);
    await untilDescriptors(proxy.program, before);
    const timedOut = () => proxy.program.connections().filter(({ reason }) => reason === "handshake-timeout").length;
    await until(() => timedOut() === 40, "each has its record");
    for (const conn of stalled) conn.close();
  });

  test("holds little for a reader that stopped, and frees it when it is idle", async (dir) => {
    let sent = 0;
    let ended = false;
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      await conn.read(new Uint8Array(1));
      try {
        for (; sent < 500_000_000; sent += CHUNK.length) await writeAll(conn, CHUNK);
      } finally {
        ended = true;
      }
    });
    await using proxy = await start(dir, backend.address, { listener: { timeouts: { idle: "2s" } } });
    const before = proxy.program.fds();
    const client = await proxy.connect();
    await client.write(Uint8Array.of(1));
    await proxy.program.record(({ reason }) => reason === "idle", "record of the idle connection");
    assert.ok(sent < 60_000_000, `backpressure did not hold: ${sent} bytes were taken`);
    await until(() => ended, "the application sees the end");
    await untilDescriptors(proxy.program, before);
    client.close();
  });

  test("holds little for an application that stopped reading", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), () => new Promise<never>(() => {}));
    await using proxy = await start(dir, backend.address, { listener: { timeouts: { idle: "2s" } } });
    const before = proxy.program.fds();
    const client = await proxy.connect();
    let sent = 0;
    const sending = (async () => {
      for (; sent < 500_000_000; sent += CHUNK.length) await writeAll(client, CHUNK);
    })().catch(() => {});
    const { bytes_in } = await proxy.program.record(({ reason }) => reason === "idle", "record of the idle connection");
    // Bytes that are dropped after the end of the connection are not counted.
    assert.ok(Number(bytes_in) < 60_000_000, `backpressure did not hold: ${bytes_in} bytes were taken`);
    await sending;
    client.close();
    await untilDescriptors(proxy.program, before);
  });

  test("tells of clients that reset the connection", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      await conn.read(new Uint8Array(1));
      for (let count = 0; count < 100; count++) await writeAll(conn, CHUNK);
    });
    await using proxy = await start(dir, backend.address);
    const before = proxy.program.fds();
    for (let round = 0; round < 5; round++) {
      const socket = net.connect({ host: "127.0.0.1", port: proxy.port });
      const client = tls.connect({ socket, ca: [proxy.cert], servername: "localhost" });
      client.on("error", () => {});
      await new Promise<void>((resolve) => client.once("secureConnect", resolve));
      client.write("x");
      await new Promise<void>((resolve) => client.once("data", () => resolve()));
      socket.resetAndDestroy();
      client.destroy();
    }
    await until(() => proxy.program.connections().length === 5, "each has its record");
    assert.deepEqual(new Set(proxy.program.connections().map(({ reason }) => reason)), new Set(["client-reset"]));
    await untilDescriptors(proxy.program, before);
  });

  test("takes FIN without close_notify for the end of the request, and answers", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), async (conn) => writeAll(conn, await readAll(conn)));
    await using proxy = await start(dir, backend.address);
    const socket = net.connect({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true });
    const client = tls.connect({ socket, ca: [proxy.cert], servername: "localhost" });
    await new Promise<void>((resolve, reject) => client.once("secureConnect", resolve).once("error", reject));
    const answer = new Promise<string>((resolve) => client.once("data", (data) => resolve(data.toString())));
    await new Promise<void>((resolve) => client.write("hello", () => resolve()));
    socket.end();
    assert.equal(await answer, "hello");
    client.destroy();
    assert.equal((await connectionRecord(proxy.program)).bytes_out, 5);
  });

  test("closes at once on garbage and on a ClientHello without end", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, { listener: { timeouts: { handshake: "5s" } } });
    const before = proxy.program.fds();
    const oversize = new Uint8Array(200_000);
    // Handshake records of 16 kB each that claim one message of 16 MB.
    for (let at = 0; at < oversize.length; at += 16389) oversize.set([0x16, 3, 1, 0x40, 0], at);
    oversize.set([1, 0xff, 0xff, 0xff], 5);
    for (const bytes of [new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), oversize]) {
      const conn = await proxy.connectTcp();
      await writeAll(conn, bytes).catch(() => {});
      await readAll(conn).catch(() => {});
      conn.close();
    }
    await until(() => proxy.program.connections().length === 2, "each has its record");
    for (const { reason } of proxy.program.connections()) {
      assert.ok(["handshake-failed", "handshake-timeout", "client-reset"].includes(String(reason)), String(reason));
    }
    await untilDescriptors(proxy.program, before);
    assert.equal(backend.accepted, 0);
    await assertEcho(proxy);
  });

  test("says once that it is out of descriptors, and serves again when they are back", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, {
      openFiles: 200,
      config: { admin: { listen: "127.0.0.1:0" }, log: { "metrics-interval": "100ms" } },
      listener: { health: { interval: "100ms" } },
    });
    const { address } = await proxy.program.record(({ event }) => event === "admin-listening", "the admin endpoint");
    const before = proxy.program.fds();
    const clients = await Promise.all(Array.from({ length: 400 }, () => proxy.connectTcp()));
    await proxy.program.record(({ event }) => event === "exhausted", "record of the exhaustion");
    // Because of that Deno's node:http would stop accepting for good.
    // If it is answered, its connection must not stay open: it would count as one of the descriptors below.
    using http = Deno.createHttpClient({ poolMaxIdlePerHost: 0 });
    await fetch(`http://${address}/healthz`, { client: http, signal: AbortSignal.timeout(500) })
      .then((it) => it.text(), () => {});
    // What is told from time to time ends nothing either, though some of it is not known without a descriptor.
    const measured = () => proxy.program.records.filter(({ event }) => event === "metrics").length;
    const told = measured();
    await until(() => measured() >= told + 8, "metrics are still written");
    for (const client of clients) client.close();
    await untilDescriptors(proxy.program, before);
    await assertEcho(proxy);
    assert.equal(proxy.program.records.filter(({ event }) => event === "exhausted").length, 1);
    const metrics = await (await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(PATIENCE_MS) }))
      .text();
    const blamed = proxy.program.records.filter(({ event }) => event === "backend-down");
    assert.deepEqual(blamed, [], "it is no backend's fault");
    assert.match(metrics, /^tls_off_accept_pauses_total\{listener="web"\} [1-9]/m);
  });

  test("reaches an application over TCP without a deadline for that", async (dir) => {
    using application = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = application.accept().then(async (conn) => {
      await echo(conn);
      conn.close();
    });
    const address = `tcp:127.0.0.1:${application.addr.port}`;
    await using proxy = await start(dir, address, { listener: { timeouts: { connect: 0 } } });
    const client = await proxy.connect();
    const [answer] = await Promise.all([exchange(client, Uint8Array.of(1, 2, 3)), serving]);
    assert.deepEqual(answer, Uint8Array.of(1, 2, 3));
    client.close();
  });

  test("closes the client while its application is missing, and says so", async (dir) => {
    await using proxy = await start(dir, `unix:${dir.file("nobody.sock")}`);
    const client = await proxy.connect();
    assert.equal((await readAll(client)).length, 0);
    client.close();
    const record = await connectionRecord(proxy.program);
    assert.equal(record.reason, "backend-unreachable");
    assert.equal(typeof record.error, "string");
  });
}

async function assertEcho(proxy: Proxy): Promise<void> {
  const client = await proxy.connect();
  await client.write(new TextEncoder().encode("ping"));
  await client.closeWrite();
  assert.equal(new TextDecoder().decode(await readAll(client)), "ping");
  client.close();
}
