import assert from "node:assert/strict";
import { parseProxyHeader } from "../../src/proxy_protocol/parse.ts";
import { findTlv, parseSslTlv } from "../support/parse_ssl_tlv.ts";
import { encodeV2 } from "../../src/proxy_protocol/encode_v2.ts";
import { TlvType } from "../../src/proxy_protocol/wire.ts";
import { CAPABILITIES } from "../../src/tls/capabilities.ts";
import { Backend, echo, readAll, readExactly, writeAll } from "../support/applications/backend.ts";
import { Haproxy } from "../support/peers/haproxy.ts";
import { Nginx } from "../support/peers/nginx.ts";
import { peerTest } from "../support/peers/peers.ts";
import { runProgram } from "../support/proxies/program.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { type Contender, runtimeCommand } from "../support/proxies/runtimes.ts";
import { contenders, engineTest } from "../support/proxies/under_test.ts";
import { until } from "../support/wait.ts";
import { untilDescriptors } from "../support/proxies/process_status.ts";

const HAPROXY = { command: "haproxy", debian: "haproxy" };
const NGINX = { command: "nginx", debian: "nginx" };
const GET = new TextEncoder().encode("GET / HTTP/1.0\r\n\r\n");

/** One request through the proxy, and the client's own idea of who it is. */
async function request(proxy: Proxy, hostname: string): Promise<{ client: string; answer: string }> {
  const conn = await Deno.connectTls({ hostname, port: proxy.port, caCerts: [proxy.cert] });
  const { hostname: address, port } = conn.localAddr as Deno.NetAddr;
  await writeAll(conn, GET);
  const answer = new TextDecoder().decode(await readAll(conn));
  conn.close();
  return { client: `${address}:${port}`, answer };
}

function isSocket(path: string): boolean {
  try {
    return Deno.statSync(path).isSocket === true;
  } catch {
    return false;
  }
}

const CONTENDERS: Contender[] = [
  { runtime: "deno", engine: "native" },
  { runtime: "deno", engine: "node" },
  { runtime: "bun", engine: "native" },
];

for (const { runtime, engine } of contenders(CONTENDERS)) {
  const title = `${engine} on ${runtime}`;
  const knowsTls = CAPABILITIES[runtime][engine]?.["tls-details"] === undefined;
  for (const version of ["v1", "v2"] as const) {
    for (const [family, listen, hostname] of [["IPv4", "127.0.0.1:0", "127.0.0.1"], ["IPv6", "[::1]:0", "::1"]]) {
      const start = async (dir: TempDir, backend: string) =>
        await Proxy.start(dir, backend, {
          listener: { listen, engine, "proxy-protocol": version },
          command: await runtimeCommand(runtime),
        });

      peerTest(`HAProxy learns the client from ${version} over ${family} (${title})`, [HAPROXY], async () => {
        using dir = new TempDir();
        const socket = dir.file("app.sock");
        await using haproxy = await Haproxy.start(
          dir.path,
          `frontend f
  mode http
  bind unix@${socket} accept-proxy
  log-format "client=%ci:%cp"
  http-request return status 200 content-type text/plain string ok`,
          () => isSocket(socket),
        );
        await using proxy = await start(dir, `unix:${socket}`);
        const { client, answer } = await request(proxy, hostname);
        assert.match(answer, /\r\n\r\nok$/);
        await until(() => haproxy.lines.includes(`client=${client}`), `HAProxy logs ${client}`);
      });

      peerTest(`nginx learns the client from ${version} over ${family} (${title})`, [NGINX], async () => {
        using dir = new TempDir();
        const socket = dir.file("app.sock");
        await using _nginx = await Nginx.start(
          dir.path,
          `server { listen unix:${socket} proxy_protocol;
             location / { return 200 "$proxy_protocol_addr $proxy_protocol_port"; } }`,
          socket,
        );
        await using proxy = await start(dir, `unix:${socket}`);
        const { client, answer } = await request(proxy, hostname);
        const at = client.lastIndexOf(":");
        assert.equal(answer.split("\r\n\r\n")[1], `${client.slice(0, at)} ${client.slice(at + 1)}`);
      });
    }
  }

  Deno.test(`PROXY header comes before the first byte, with what the engine knows (${title})`, async () => {
    using dir = new TempDir();
    let received = new Uint8Array();
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      received = await readAll(conn) as Uint8Array<ArrayBuffer>;
    });
    await using proxy = await Proxy.start(dir, backend.address, {
      listener: { engine, "proxy-protocol": "v2", alpn: ["h2", "http/1.1"] },
      command: await runtimeCommand(runtime),
    });
    const client = await Deno.connectTls({
      hostname: "localhost",
      port: proxy.port,
      caCerts: [proxy.cert],
      alpnProtocols: ["http/1.1"],
    });
    const { hostname, port } = client.localAddr as Deno.NetAddr;
    await writeAll(client, new TextEncoder().encode("the request"));
    await client.closeWrite();
    await readAll(client);
    client.close();
    const record = await proxy.program.record(({ event }) => event === "connection");

    const result = parseProxyHeader(received);
    assert.equal(result.kind, "done");
    if (result.kind !== "done") return;
    const { header, length } = result;
    assert.equal(new TextDecoder().decode(received.subarray(length)), "the request");
    assert.deepEqual(header.endpoints, {
      source: { hostname, port },
      destination: { hostname: "127.0.0.1", port: proxy.port },
    });
    const text = (type: number) => new TextDecoder().decode(findTlv(header.tlvs, type));
    assert.equal(text(TlvType.alpn), "http/1.1");
    assert.equal(text(TlvType.uniqueId), record.conn);
    assert.ok(findTlv(header.tlvs, TlvType.crc32c), "the checksum, which parsing has verified");
    if (!knowsTls) {
      assert.equal(findTlv(header.tlvs, TlvType.authority), undefined);
      assert.equal(findTlv(header.tlvs, TlvType.ssl), undefined);
    } else {
      assert.equal(text(TlvType.authority), "localhost");
      const ssl = parseSslTlv(findTlv(header.tlvs, TlvType.ssl)!);
      assert.equal(ssl.version, "TLSv1.3");
      assert.ok(ssl.cipher);
    }
  });

  Deno.test(`PROXY header goes out although the client waits for the server to speak (${title})`, async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      const header = await readExactly(conn, 16);
      assert.equal(header[12], 0x21);
      await writeAll(conn, new TextEncoder().encode("220 ready\r\n"));
      await readAll(conn);
    });
    await using proxy = await Proxy.start(dir, backend.address, {
      listener: { engine, "proxy-protocol": "v2" },
      command: await runtimeCommand(runtime),
    });
    const client = await proxy.connect();
    assert.equal(new TextDecoder().decode(await readExactly(client, 11)), "220 ready\r\n");
    client.close();
  });
}

/** Names of the fields that a record of an accepted header must have. */
const TRUSTED = { listener: { "accept-proxy": ["127.0.0.0/8"], engine: "auto" } };

engineTest(
  "node",
  "HAProxy in front names the client to the proxy, v1 and v2 with every option",
  [HAPROXY],
  async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, TRUSTED);
    const sockets = ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options ssl,authority,crc32c,unique-id"];
    const ports = sockets.map(() => {
      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      listener.close();
      return listener.addr.port;
    });
    await using _haproxy = await Haproxy.start(
      dir.path,
      sockets.map((send, index) => `
frontend f${index}
  mode tcp
  bind 127.0.0.1:${ports[index]}
  unique-id-format "%[uuid()]"
  default_backend b${index}
backend b${index}
  mode tcp
  server s 127.0.0.1:${proxy.port} ${send}`).join("\n"),
      async () => {
        try {
          (await Deno.connect({ hostname: "127.0.0.1", port: ports.at(-1)! })).close();
          return true;
        } catch {
          return false;
        }
      },
    );
    for (const port of ports) {
      const client = await Deno.connectTls({ hostname: "127.0.0.1", port, caCerts: [proxy.cert] });
      const own = (client.localAddr as Deno.NetAddr).port;
      await writeAll(client, new TextEncoder().encode("hello"));
      await client.closeWrite();
      assert.equal(new TextDecoder().decode(await readAll(client)), "hello");
      client.close();
      const record = await proxy.program.record(({ event, client_port }) =>
        event === "connection" && client_port === own
      );
      assert.equal(record.client, "127.0.0.1");
    }
  },
);

engineTest("node", "a PROXY header's address is the client of the record and of the outgoing header", [], async () => {
  using dir = new TempDir();
  let received = "";
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    received = new TextDecoder().decode(await readAll(conn));
  });
  await using proxy = await Proxy.start(dir, backend.address, {
    listener: { ...TRUSTED.listener, "proxy-protocol": "v1" },
  });
  const tcp = await proxy.connectTcp();
  await writeAll(tcp, new TextEncoder().encode("PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n"));
  const client = await Deno.startTls(tcp, { hostname: "localhost", caCerts: [proxy.cert] });
  await writeAll(client, new TextEncoder().encode("hello"));
  await client.closeWrite();
  await readAll(client);
  client.close();
  const record = await proxy.program.record(({ event }) => event === "connection");
  assert.equal(record.client, "2001:db8::7");
  assert.equal(record.client_port, 4711);
  assert.equal(received, "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\nhello");
});

engineTest("node", "TLVs asked for by name are sent whatever engine that takes, and check says which", [], async () => {
  using dir = new TempDir();
  let received = new Uint8Array();
  await using backend = new Backend(dir.file("app.sock"), async (conn) => {
    received = await readAll(conn) as Uint8Array<ArrayBuffer>;
  });
  const listener = { "proxy-protocol": "v2", "proxy-protocol-tlvs": ["authority", "ssl"] };
  const command = await runtimeCommand("deno");
  await using proxy = await Proxy.start(dir, backend.address, { listener, command });
  const client = await Deno.connectTls({ hostname: "localhost", port: proxy.port, caCerts: [proxy.cert] });
  await client.closeWrite();
  await readAll(client);
  client.close();
  const result = parseProxyHeader(received);
  assert.equal(result.kind, "done");
  if (result.kind !== "done") return;
  const { tlvs } = result.header;
  assert.deepEqual(tlvs.map(({ type }) => type), [TlvType.authority, TlvType.ssl]);
  assert.equal(new TextDecoder().decode(findTlv(tlvs, TlvType.authority)), "localhost");
  assert.equal(parseSslTlv(findTlv(tlvs, TlvType.ssl)!).version, "TLSv1.3");
  const { stdout } = await runProgram(["check", dir.file("proxy.toml")], { command });
  assert.match(stdout, /engine +node: proxy-protocol-tlvs "authority": native on Deno tells nothing/);
});

for (const tlvs of [["forwarded", "crc32c"], ["unique-id", "forwarded"], ["crc32c"]]) {
  engineTest("node", `a balancer's own TLVs with proxy-protocol-tlvs ${tlvs.join(", ")}`, [], async () => {
    using dir = new TempDir();
    let received = new Uint8Array();
    await using backend = new Backend(dir.file("app.sock"), async (conn) => {
      received = await readAll(conn) as Uint8Array<ArrayBuffer>;
    });
    await using proxy = await Proxy.start(dir, backend.address, {
      listener: { ...TRUSTED.listener, "proxy-protocol": "v2", "proxy-protocol-tlvs": tlvs },
    });
    const text = (value: string) => new TextEncoder().encode(value);
    const vpce = Uint8Array.of(1, ...text("vpce-0123"));
    const sent = [
      { type: TlvType.uniqueId, value: text("balancer-7") },
      { type: 0xea, value: vpce },
      { type: 0xe0, value: text("first") },
      { type: 0xe0, value: text("second") },
      { type: 0xef, value: new Uint8Array() },
      // Not the balancer's to say, or of nobody's concern but its own.
      { type: TlvType.authority, value: text("forged.example") },
      { type: TlvType.netns, value: text("ns") },
      { type: 0xf0, value: text("experimental") },
    ];
    const ends = { source: { hostname: "192.0.2.7", port: 4711 }, destination: { hostname: "192.0.2.1", port: 443 } };
    const tcp = await proxy.connectTcp();
    await writeAll(tcp, encodeV2({ ...ends, forwarded: sent, crc32c: true }).bytes);
    const client = await Deno.startTls(tcp, { hostname: "localhost", caCerts: [proxy.cert] });
    await client.closeWrite();
    await readAll(client);
    client.close();
    const result = parseProxyHeader(received);
    assert.equal(result.kind, "done");
    if (result.kind !== "done") return;
    const { header } = result;
    assert.equal(header.endpoints?.source.hostname, "192.0.2.7");
    const forwarded = header.tlvs.filter(({ type }) => type !== TlvType.crc32c);
    if (!tlvs.includes("forwarded")) return assert.deepEqual(forwarded, []);
    const { conn } = await proxy.program.record(({ event }) => event === "connection");
    const ours = tlvs.includes("unique-id");
    assert.deepEqual(forwarded, [
      { type: TlvType.uniqueId, value: text(ours ? String(conn) : "balancer-7") },
      ...sent.slice(1, 5),
    ]);
  });
}

engineTest(
  "node",
  "a malformed, late or cut PROXY header closes the connection, and the log says why",
  [],
  async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await Proxy.start(dir, backend.address, TRUSTED);
    const before = proxy.program.fds();
    const senders: [reason: string, bytes: string, hangUp: boolean][] = [
      ["not-a-header", "GET / HTTP/1.1\r\n\r\n", false],
      ["not-a-header", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", false],
      ["bad-address", "PROXY TCP4 01.2.3.4 1.2.3.4 1 2\r\n", false],
      ["bad-command", "\r\n\r\n\0\r\nQUIT\n\x22\x11\0\x0c" + "\x01".repeat(12), false],
      ["truncated", "PROXY TCP4 1.2.3.4", true],
      ["timeout", "", false],
    ];
    for (const [, bytes, hangUp] of senders) {
      const conn = await proxy.connectTcp();
      await writeAll(conn, Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
      if (hangUp) await conn.closeWrite();
      await readAll(conn).catch(() => {});
      conn.close();
    }
    const refusals = () => proxy.program.records.filter(({ reason }) => reason === "proxy-header");
    await until(() => refusals().length === senders.length, "every refusal is logged");
    assert.deepEqual(refusals().map(({ error }) => String(error).split(": ")[0]), senders.map(([reason]) => reason));
    await untilDescriptors(proxy.program, before);
    assert.equal(backend.accepted, 0);
  },
);

engineTest("node", "a PROXY header from an address that is not listed is garbage", [], async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address, { listener: { "accept-proxy": ["192.0.2.0/24"] } });
  const conn = await proxy.connectTcp();
  await writeAll(conn, new TextEncoder().encode("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"));
  await readAll(conn).catch(() => {});
  conn.close();
  await proxy.program.record(({ reason }) => reason === "handshake-failed");
  // Whoever is not listed needs none.
  const client = await proxy.connect();
  await writeAll(client, new TextEncoder().encode("hello"));
  await client.closeWrite();
  assert.equal(new TextDecoder().decode(await readAll(client)), "hello");
  client.close();
});
