import assert from "node:assert/strict";
import { Backend, echo, readAll, readExactly, silent, writeAll } from "../support/applications/backend.ts";
import { CLIENT_HELLO } from "../support/certificates/client_hello.ts";
import { patternBytes } from "../support/random.ts";
import { reset, TcpBackend } from "../support/applications/tcp_backend.ts";
import { runPeer } from "../support/peers/peers.ts";
import { pause, until } from "../support/wait.ts";
import { type Bench, connectionRecord } from "./suite.ts";

const ANSWER = new TextEncoder().encode("HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\n\r\n");
const HEAD = patternBytes(1000);
const CHUNK = patternBytes(16_384);

const NODE = { command: "node", debian: "nodejs" };

/** How a client saw a connection end: by close_notify, by FIN alone, or by a reset. */
type End = "close_notify" | "fin" | "reset";

/** Reads until the connection ends in any way. */
async function readToEnd(client: Deno.Conn): Promise<{ bytes: number; end: End }> {
  const buffer = new Uint8Array(64 * 1024);
  let bytes = 0;
  for (;;) {
    try {
      const count = await client.read(buffer);
      if (count === null) return { bytes, end: "close_notify" };
      bytes += count;
    } catch (error) {
      if (error instanceof Deno.errors.UnexpectedEof) return { bytes, end: "fin" };
      if (error instanceof Deno.errors.ConnectionReset) return { bytes, end: "reset" };
      throw error;
    }
  }
}

/** How an application ends a connection whose client is still sending, and what is to be said of that. */
interface EarlyEnd {
  /** How many bytes it reads before. */
  reads: number;
  answer: Uint8Array;
  /** Deno closes by FIN and then, over unread bytes on TCP, a reset; other applications by a reset alone. */
  how: "close" | "reset";
  end: End;
  reason: string;
}

/** What every engine says of a reset by the application. */
const RESET_ERROR = "Connection reset by peer (ECONNRESET)";
const NOTHING = new Uint8Array();

const EARLY_ENDS: Record<"unix" | "tcp", EarlyEnd[]> = {
  // On a Unix socket nothing of an answer is lost.
  unix: [
    { reads: 1, answer: ANSWER, how: "close", end: "close_notify", reason: "backend-closed" },
    { reads: 1, answer: NOTHING, how: "close", end: "fin", reason: "backend-reset" },
    { reads: HEAD.length, answer: ANSWER, how: "close", end: "close_notify", reason: "backend-closed" },
    { reads: HEAD.length, answer: NOTHING, how: "close", end: "close_notify", reason: "backend-closed" },
  ],
  tcp: [
    { reads: 1, answer: ANSWER, how: "reset", end: "close_notify", reason: "backend-reset" },
    { reads: 1, answer: ANSWER, how: "close", end: "close_notify", reason: "backend-closed" },
    { reads: 1, answer: NOTHING, how: "reset", end: "fin", reason: "backend-reset" },
    { reads: HEAD.length, answer: ANSWER, how: "close", end: "close_notify", reason: "backend-closed" },
    { reads: HEAD.length, answer: NOTHING, how: "close", end: "close_notify", reason: "backend-closed" },
  ],
};

/** Cases in which no last byte may be lost, and a cut has to be distinguishable from an orderly end. */
export function endingCases({ contender, has, test, peerTest, start }: Bench): void {
  for (const transport of ["unix", "tcp"] as const) {
    test(`says the same of an early answer whatever fails first, and delivers it, over ${transport}`, async (dir) => {
      const path = dir.file("app.sock");
      using listener = transport === "unix" ? Deno.listen({ transport, path }) : Deno.listen({ port: 0 });
      const { addr } = listener;
      await using proxy = await start(dir, addr.transport === "tcp" ? `tcp:127.0.0.1:${addr.port}` : `unix:${path}`);
      const { program } = proxy;
      // The proxy finds the end of the application alone, or the client's bytes at the same time.
      for (const together of [false, true]) {
        for (const early of EARLY_ENDS[transport]) {
          const before = program.connections().length;
          const accepted = listener.accept();
          const client = await proxy.connect();
          await writeAll(client, HEAD);
          const application = await accepted;
          await readExactly(application, early.reads);
          // Deno ends a connection in two steps, between which the proxy must not read.
          program.signal("SIGSTOP");
          await writeAll(application, early.answer);
          if (early.how === "reset") reset(application as Deno.TcpConn);
          application.close();
          if (together) await writeAll(client, CHUNK);
          program.signal("SIGCONT");
          // The client sends everything before it reads an answer.
          for (let count = 0; count < 100; count++) await writeAll(client, CHUNK);
          const told = await readToEnd(client);
          client.close();
          await until(() => program.connections().length > before, "it has its record");
          const { reason, error } = program.connections()[before];
          const expected = {
            ...{ bytes: early.answer.length, end: early.end, reason: early.reason },
            error: early.reason === "backend-reset" ? RESET_ERROR : undefined,
          };
          assert.deepEqual({ ...told, reason, error }, expected, JSON.stringify({ ...early, answer: "", together }));
        }
      }
    });
  }

  /** An application that reads and never answers, whatever the client does. */
  const mute = async (conn: Deno.UnixConn) => {
    await silent(conn);
    await new Promise(() => {});
  };

  const ends: [reason: string, timeouts: Record<string, string>, client: "waits" | "has half-closed" | "sends"][] = [
    ["idle", { idle: "1s" }, "waits"],
    ["lifetime", { lifetime: "1s" }, "waits"],
    ["lifetime", { lifetime: "1s" }, "sends"],
    ["half-close-timeout", { "half-close": "1s" }, "has half-closed"],
    ["drain", {}, "waits"],
    ["drain", {}, "sends"],
  ];
  for (const [reason, timeouts, behaviour] of ends) {
    test(`says close_notify where it ends a connection itself: ${reason}, the client ${behaviour}`, async (dir) => {
      await using backend = new Backend(dir.file("app.sock"), mute);
      await using proxy = await start(dir, backend.address, {
        listener: { timeouts },
        config: { shutdown: { grace: "1s" } },
      });
      const client = await proxy.connect();
      await writeAll(client, HEAD);
      await until(() => backend.open === 1, "it is served");
      if (behaviour === "has half-closed") await client.closeWrite();
      if (reason === "drain") proxy.program.signal("SIGTERM");
      let ended = false;
      const sending = behaviour !== "sends" ? null : (async () => {
        // The proxy reads it until the client has received the end.
        while (!ended) await writeAll(client, CHUNK);
      })();
      assert.deepEqual(await readToEnd(client), { bytes: 0, end: "close_notify" });
      ended = true;
      await sending;
      client.close();
      assert.equal((await connectionRecord(proxy.program)).reason, reason);
    });
  }

  test("has one word for why a handshake failed, whatever the engine says", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), mute);
    await using proxy = await start(dir, backend.address, { listener: { alpn: ["h2"] } });
    const onDeno = contender.runtime === "deno" ? contender.engine : null;
    const http = onDeno === "native" ? "not-tls" : "plain-http";
    const raw = async (bytes: Uint8Array) => {
      const client = await proxy.connectTcp();
      await writeAll(client, bytes);
      return client;
    };
    const shakeHands = async (options: Deno.StartTlsOptions) => {
      const client = await Deno.startTls(await proxy.connectTcp(), { hostname: "localhost", ...options });
      await client.handshake();
    };
    const text = new TextEncoder();
    const failures: [expected: string, fail: () => Promise<unknown>][] = [
      [http, () => raw(text.encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))],
      ["not-tls", () => raw(text.encode("SSH-2.0-OpenSSH_9.2p1 and some more text\r\n"))],
      ["client-left", async () => await (await raw(CLIENT_HELLO.subarray(0, 50))).closeWrite()],
      ["client-distrusts-certificate", () => shakeHands({ caCerts: [] })],
      ["no-common-protocol", () => shakeHands({ caCerts: [proxy.cert], alpnProtocols: ["foo", "bar"] })],
    ];
    for (const [index, [expected, fail]] of failures.entries()) {
      await fail().catch(() => {});
      await until(() => proxy.program.connections().length === index + 1, `the record of ${expected} is there`);
      const record = proxy.program.connections()[index];
      assert.equal(record.reason, "handshake-failed", JSON.stringify(record));
      assert.equal(record.class, expected, JSON.stringify(record));
      // The first three have sent no ClientHello, or not all of it.
      assert.equal(record.sni, index < 3 || onDeno === "native" ? undefined : "localhost", JSON.stringify(record));
      if (onDeno === "node" && expected === "no-common-protocol") assert.equal(record.alpn, "foo,bar");
    }
  });

  test("answers plain HTTP with 400 where the engine shows it, and else ends the connection", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), mute);
    const onNode = contender.engine === "node";
    const route = { "server-name": "localhost", backend: backend.address };
    // With a route by name the engine `node` reads the first bytes itself, as it always does on Deno.
    for (const reads of onNode ? [false, true] : [false]) {
      await using proxy = await start(dir, backend.address, { listener: reads ? { route: [route] } : {} });
      for (const [index, method] of ["GET", "PRI"].entries()) {
        const client = await proxy.connectTcp();
        await writeAll(client, new TextEncoder().encode(`${method} /secret HTTP/1.1\r\nHost: x\r\n\r\n`));
        const answer = new TextDecoder().decode(await readAll(client).catch(() => new Uint8Array()));
        client.close();
        // OpenSSL knows the methods of HTTP/1.1 alone. On Bun nothing can be written after BoringSSL has seen one.
        const isShown = onNode &&
          (reads || contender.runtime === "deno" || (contender.runtime === "node" && method === "GET"));
        if (!isShown) assert.doesNotMatch(answer, /HTTP/);
        else assert.match(answer, /^HTTP\/1\.1 400 [^]*\r\n\r\nThis port speaks TLS: [^\n]+\n$/);
        assert.doesNotMatch(answer, /secret/);
        await until(() => proxy.program.connections().length === index + 1, "it has its record");
        const record = proxy.program.connections()[index];
        assert.equal(record.reason, "handshake-failed");
        if (isShown) assert.equal(record.class, "plain-http");
      }
    }
    assert.equal(backend.accepted, 0);
  });

  test("lets a connection wait while every application refuses, until one has come", async (dir) => {
    const missing = `unix:${dir.file("nobody.sock")}`;
    for (const backend of [[`unix:${dir.file("one.sock")}`], [missing, `unix:${dir.file("two.sock")}`]]) {
      await using proxy = await start(dir, "unix:unused", {
        listener: { backend, timeouts: { retry: "5m", connect: "5m" } },
        config: { admin: { listen: "127.0.0.1:0" } },
      });
      const { address } = await proxy.program.record(({ event }) => event === "admin-listening", "the admin endpoint");
      const clients = await Promise.all([1, 2, 3].map(() => proxy.connect()));
      for (const client of clients) await writeAll(client, HEAD);
      const refused = async () =>
        [...(await (await fetch(`http://${address}/metrics`)).text()).matchAll(
          /backend_errors_total.*"refused".* (\d+)$/gm,
        )]
          .reduce((sum, [, count]) => sum + Number(count), 0);
      while (await refused() < 3 * backend.length) await pause(20);
      // A client that leaves meanwhile is not waited for.
      const [leaving, ...waiting] = clients;
      reset(leaving);
      leaving.close();
      await using application = new Backend(backend.at(-1)!.slice("unix:".length), echo);
      for (const client of waiting) {
        assert.deepEqual(await readExactly(client, HEAD.length), HEAD);
        await client.closeWrite();
        client.close();
      }
      await until(() => proxy.program.connections().length === clients.length, "each has its record");
      const reasons = proxy.program.connections().map(({ reason }) => reason);
      assert.deepEqual(reasons.filter((reason) => reason === "client-closed").length, waiting.length, String(reasons));
      assert.ok(application.accepted >= waiting.length);
    }
  });

  test("ends silent clients at once in a drain, and lets handshakes under way end", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), mute);
    await using proxy = await start(dir, backend.address, {
      listener: { timeouts: { handshake: "5m" } },
      config: { shutdown: { grace: "5m" } },
    });
    const shaking = await proxy.connectTcp();
    await writeAll(shaking, CLIENT_HELLO.subarray(0, 50));
    const silentOnes = await Promise.all(Array.from({ length: 5 }, () => proxy.connectTcp()));
    // A connection that has come before is accepted, too.
    const served = await proxy.connect();
    await served.handshake();
    proxy.program.signal("SIGTERM");
    for (const client of silentOnes) {
      assert.equal((await readToEnd(client)).bytes, 0);
      client.close();
    }
    await until(() => proxy.program.connections().length === 5, "each has its record");
    assert.deepEqual(new Set(proxy.program.connections().map(({ reason }) => reason)), new Set(["drain"]));
    await writeAll(shaking, CLIENT_HELLO.subarray(50));
    const [record] = await readExactly(shaking, 1);
    assert.equal(record, 0x16, "a ServerHello comes");
    shaking.close();
    await served.closeWrite();
    served.close();
  });

  if (has("unix-listen")) {
    test("ends silent clients at once in a drain on a Unix socket, too, and lets handshakes under way end", async (dir) => {
      const path = dir.file("listen.sock");
      await using backend = new Backend(dir.file("app.sock"), mute);
      await using proxy = await start(dir, backend.address, {
        listener: { listen: `unix:${path}`, timeouts: { handshake: "5m" } },
        config: { shutdown: { grace: "5m" } },
      });
      const before = proxy.program.fds();
      const connect = () => Deno.connect({ transport: "unix", path });
      const [shaking, silentOne] = [await connect(), await connect()];
      await writeAll(shaking, CLIENT_HELLO.subarray(0, 50));
      await until(() => proxy.program.fds() >= before + 2, "both are accepted");
      proxy.program.signal("SIGTERM");
      assert.equal((await readToEnd(silentOne)).bytes, 0);
      await writeAll(shaking, CLIENT_HELLO.subarray(50));
      const [record] = await readExactly(shaking, 1);
      assert.equal(record, 0x16, "a ServerHello comes");
      for (const client of [shaking, silentOne]) client.close();
    });
  }

  test("lets a client tell that its application was cut, and delivers what had come before", async (dir) => {
    await using backend = new TcpBackend(async (conn) => {
      await readExactly(conn, HEAD.length);
      await writeAll(conn, CHUNK);
      reset(conn);
    });
    for (const halfClose of [false, true]) {
      await using proxy = await start(dir, backend.address);
      const client = await proxy.connect();
      await writeAll(client, HEAD);
      if (halfClose) await client.closeWrite();
      const { bytes, end } = await readToEnd(client);
      assert.notEqual(end, "close_notify", halfClose ? "half-closed" : "open");
      assert.equal(bytes, CHUNK.length);
      client.close();
      const { reason, error } = await connectionRecord(proxy.program);
      assert.deepEqual([reason, error], ["backend-reset", RESET_ERROR]);
    }
  });

  test("lets an application on TCP tell a request that was cut from one that is whole", async (dir) => {
    const outcomes: string[] = [];
    let received = () => {};
    await using backend = new TcpBackend(async (conn) => {
      await readExactly(conn, HEAD.length);
      received();
      await readAll(conn).then(() => outcomes.push("whole"), () => outcomes.push("cut"));
    });
    await using proxy = await start(dir, backend.address);
    for (const cut of [true, false]) {
      const arrived = new Promise<void>((resolve) => received = resolve);
      const client = await proxy.connect();
      await writeAll(client, HEAD);
      await arrived;
      if (cut) {
        reset(client);
        const { reason } = await proxy.program.record(({ event }) => event === "connection", "record of the cut one");
        assert.equal(reason, "client-reset");
      } else await client.closeWrite();
      await until(() => outcomes.length === (cut ? 1 : 2), "the application sees the end");
      client.close();
    }
    assert.deepEqual(outcomes, ["cut", "whole"]);
  });

  peerTest("passes on a reset that comes with the end of the handshake as a reset", [NODE], async (dir) => {
    const outcomes: string[] = [];
    await using backend = new TcpBackend(async (conn) => {
      await readAll(conn).then((bytes) => outcomes.push(`whole: ${bytes.length}`), () => outcomes.push("cut"));
    }, () => outcomes.push("cut"));
    await using proxy = await start(dir, backend.address);
    await runPeer("node", ["-e", RESETTING_CLIENT, String(proxy.port), "write"]);
    const { reason, bytes_in } = await connectionRecord(proxy.program);
    assert.deepEqual([reason, bytes_in], ["client-reset", 3]);
    await until(() => outcomes.length === 1, "the application sees the end");
    // There the client may have sent close_notify before the reset, for all that Deno and Node tell.
    if (contender.runtime !== "bun" && contender.engine === "node") return;
    assert.deepEqual(outcomes, ["cut"]);
  });

  // Bun's node:tls tells of the reset in the place of close_notify.
  if (contender.runtime === "bun" && contender.engine === "node") return;
  peerTest("takes a request for whole that ends by close_notify, though a reset comes with it", [NODE], async (dir) => {
    const outcomes: string[] = [];
    await using backend = new TcpBackend(async (conn) => {
      await readAll(conn).then((bytes) => outcomes.push(`whole: ${bytes.length}`), () => outcomes.push("cut"));
    }, () => outcomes.push("cut"));
    await using proxy = await start(dir, backend.address);
    await runPeer("node", ["-e", RESETTING_CLIENT, String(proxy.port), "end"]);
    await until(() => outcomes.length === 1, "the application sees the end");
    assert.deepEqual(outcomes, ["whole: 3"]);
  });
}

/**
 * Sends the end of its handshake, three bytes, close_notify by "end", and a reset at once, before the server's session
 * tickets can come.
 */
const RESETTING_CLIENT = `
const raw = require("node:net").connect(Number(process.argv[1]), "127.0.0.1");
let held = null;
const between = new (require("node:stream").Duplex)({
  read() {},
  write(chunk, encoding, done) {
    if (held === null) raw.write(chunk), held = [];
    else held.push(chunk);
    done();
  },
});
raw.on("data", (chunk) => between.push(chunk));
const client = require("node:tls").connect({ socket: between, rejectUnauthorized: false }, () => {
  client[process.argv[2]]("cut", () => {
    raw.write(Buffer.concat(held));
    raw.resetAndDestroy();
    process.exit();
  });
});`;
