import assert from "node:assert/strict";
import net from "node:net";
import { Backend, echo, readExactly, writeAll } from "../support/applications/backend.ts";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { rawHello } from "../support/peers/raw_hello.ts";
import { sClient } from "../support/peers/s_client.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { tlsClient } from "./client.ts";
import { type Bench, connectionRecord } from "./suite.ts";

const OPENSSL = { command: "openssl", debian: "openssl" };

/** Cases of what the handshake agrees on: versions, protocols, sessions, and what is known of them afterwards. */
export function tlsCases({ contender, has, test, peerTest: ownPeerTest, start, refusal }: Bench): void {
  test("tells what it knows of the handshake, and invents nothing", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, { listener: { alpn: ["h2", "http/1.1"] } });
    const { answer } = await tlsClient({ port: proxy.port, servername: "localhost", ALPNProtocols: ["http/1.1"] });
    assert.equal(answer, "hello");
    const record = await connectionRecord(proxy.program);
    assert.equal(record.alpn, "http/1.1");
    if (has("tls-details")) {
      assert.equal(record.sni, "localhost");
      assert.equal(record.tls_version, "TLSv1.3");
      assert.match(String(record.cipher), /^TLS_\w+/);
      assert.equal(record.resumed, false);
    } else {
      for (const field of ["sni", "tls_version", "cipher", "resumed"]) assert.equal(field in record, false, field);
    }
    assert.equal("client_cn" in record, false);
  });

  ownPeerTest("gives sessions that end within a day", [OPENSSL], async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address);
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const { text } = await sClient(proxy.port, version);
      const hints = [...text.matchAll(/ticket lifetime hint: (\d+)/g)].map(([, seconds]) => Number(seconds));
      // Deno.listenTls keeps the sessions of TLS 1.2 itself.
      if (!(version === "-tls1_2" && contender.engine === "native" && contender.runtime === "deno")) {
        assert.ok(hints.length > 0, version);
      }
      for (const seconds of hints) assert.ok(seconds <= 24 * 60 * 60, `${seconds} s (${version})`);
    }
  });

  test("prefers its own order of protocols, and refuses a client that shares none", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, { listener: { alpn: ["h2", "http/1.1"] } });
    const both = await tlsClient({ port: proxy.port, ALPNProtocols: ["http/1.1", "h2"] });
    assert.equal(both.alpn, "h2");
    const none = await tlsClient({ port: proxy.port, ALPNProtocols: ["smtp"] });
    assert.equal(none.answer, null);
    assert.match(none.error, /no.?application.?protocol|alert number 120/i);
    const silent = await tlsClient({ port: proxy.port });
    assert.equal(silent.answer, "hello");
    assert.equal(silent.alpn, null);
  });

  for (const [limit, spoken, refused] of [["min-version", "1.3", "1.2"], ["max-version", "1.2", "1.3"]] as const) {
    test(`keeps to ${limit} = "${spoken}"`, async (dir) => {
      if (!has("version-limits")) {
        await Proxy.start(dir, "unix:x").then((proxy) => proxy[Symbol.asyncDispose]());
        const { code, lines } = await refusal(dir, { cert: "cert.pem", key: "key.pem", [limit]: spoken });
        assert.equal(code, 1);
        assert.equal(lines.length, 1);
        assert.match(lines[0], new RegExp(`${limit}.*engine = "node"`));
        return;
      }
      await using backend = new Backend(dir.file("app.sock"), echo);
      await using proxy = await start(dir, backend.address, { listener: { [limit]: spoken } });
      const speak = (version: string) => {
        const only = `TLSv${version}` as "TLSv1.2" | "TLSv1.3";
        return tlsClient({ port: proxy.port, minVersion: only, maxVersion: only });
      };
      assert.equal((await speak(spoken)).protocol, `TLSv${spoken}`);
      const other = await speak(refused);
      assert.equal(other.answer, null);
      assert.notEqual(other.error, "");
    });
  }

  for (const version of ["1.2", "1.3"]) {
    const title = `${contender.engine} on ${contender.runtime} resumes a TLS ${version} session`;
    peerTest(title, [{ command: "openssl", debian: "openssl" }], async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      await using proxy = await start(dir, backend.address);
      const connect = async (session: string) => {
        const flag = `-tls${version.replace(".", "_")}`;
        const command =
          `(echo hello; sleep 0.6) | openssl s_client ${flag} -connect 127.0.0.1:${proxy.port} ${session}`;
        return (await runPeer("sh", ["-c", `${command} 2>&1`])).text;
      };
      const file = dir.file("session.pem");
      assert.match(await connect(`-sess_out ${file}`), /^New, TLSv/m);
      assert.match(await connect(`-sess_in ${file}`), /^Reused, TLSv/m);
      if (!has("tls-details")) return;
      await proxy.program.record(({ resumed }) => resumed === true, "record of the resumed connection");
      await proxy.program.record(({ resumed }) => resumed === false, "record of the full handshake");
    });
  }

  test("gives a Unix socket its mode and owners before anybody can connect", async (dir) => {
    if (!has("unix-listen")) return;
    const path = dir.file("tls.sock");
    const access = { "listen-mode": "0620", "listen-group": `${Deno.gid()}`, "listen-owner": `${Deno.uid()}` };
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using _proxy = await start(dir, backend.address, { listener: { listen: `unix:${path}`, ...access } });
    const { mode, uid, gid } = Deno.statSync(path);
    assert.deepEqual([(mode! & 0o777).toString(8), uid, gid], ["620", Deno.uid(), Deno.gid()]);
    assert.deepEqual(
      [...Deno.readDirSync(dir.path)].filter(({ name }) => name.startsWith(".")),
      [],
      "nothing is left over",
    );
    assert.equal((await tlsClient({ socket: net.connect({ path }), servername: "localhost" })).answer, "hello");
  });

  test("says why it cannot listen at a path", async (dir) => {
    if (!has("unix-listen")) return;
    await Proxy.start(dir, "unix:x").then((proxy) => proxy[Symbol.asyncDispose]());
    const path = dir.file("nowhere/tls.sock");
    const { code, lines } = await refusal(dir, { cert: "cert.pem", key: "key.pem", listen: `unix:${path}` });
    assert.equal(code, 1);
    assert.match(lines.join("\n"), /the directory ".*\/nowhere" does not exist/);
  });

  test("reloads an abstract Unix socket with another certificate, or refuses to listen there", async (dir) => {
    const listen = `unix:@tls-off-${crypto.randomUUID()}`;
    if (!has("abstract-listen") || !has("abstract-names") || !has("unix-listen")) {
      await Proxy.start(dir, "unix:x").then((proxy) => proxy[Symbol.asyncDispose]());
      const { code, lines } = await refusal(dir, { cert: "cert.pem", key: "key.pem", listen });
      assert.equal(code, 1);
      assert.match(lines[0], /unix/);
      return;
    }
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address, { listener: { listen } });
    const { cert, key } = await makeSelfSigned({ hosts: ["other.example"] });
    Deno.writeTextFileSync(dir.file("cert.pem"), cert);
    Deno.writeTextFileSync(dir.file("key.pem"), key);
    assert.equal((await proxy.reload()).event, "reload");
    const socket = net.connect({ path: listen.replace("unix:@", "\0") });
    const { answer, names } = await tlsClient({ socket, servername: "other.example" });
    assert.deepEqual([answer, names], ["hello", ["other.example"]]);
  });

  ownPeerTest("tells clients of TLS 1.0 and 1.1 by an alert that these are too old", [OPENSSL], async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address);
    for (const flag of ["-tls1", "-tls1_1"]) {
      const { echoed, alert } = await sClient(proxy.port, flag, "-cipher", "ALL:@SECLEVEL=0");
      // rustls sends handshake_failure, which cannot be configured.
      const isNativeOnDeno = contender.runtime === "deno" && contender.engine === "native";
      assert.deepEqual({ echoed, alert }, { echoed: false, alert: isNativeOnDeno ? 40 : 70 });
    }
    // RFC 5246 appendix E.1: a client of a later version is answered by the latest that the server knows.
    const answer = await answerTo(proxy, rawHello(0x0401, "localhost"));
    assert.deepEqual([...answer.subarray(0, 3)], [22, 3, 3]);
    assert.deepEqual([...answer.subarray(9)], [3, 3], "the version in its ServerHello");
  });

  test("takes an address for a server name, and where a name is no host Deno ends by an alert", async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address);
    assert.equal((await answerTo(proxy, rawHello(0x0303, "192.0.2.1")))[0], 22);
    // rustls refuses it, the other libraries take it for a name like any other: it matches no certificate's.
    const [type, , , , , , alert] = await answerTo(proxy, rawHello(0x0303, "*.localhost"), 7);
    assert.deepEqual([type, alert], contender.runtime === "deno" ? [21, 47] : [22, alert]);
  });

  ownPeerTest("renegotiates with nobody", [OPENSSL], async (dir) => {
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(dir, backend.address);
    const child = new Deno.Command("openssl", {
      args: ["s_client", "-tls1_2", "-msg", "-connect", `127.0.0.1:${proxy.port}`],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const input = child.stdin.getWriter();
    const send = (line: string) => input.write(new TextEncoder().encode(line));
    await send("hello\n");
    let text = "";
    let asked = false;
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      // A line that is "R", and comes alone, tells s_client to renegotiate.
      if (!asked && text.includes("\nhello\n")) {
        asked = true;
        await send("R\n");
      }
      if (asked && /no_renegotiation|ServerHello[^]*ServerHello\n/.test(text)) break;
    }
    await input.abort();
    try {
      child.kill("SIGKILL");
    } catch {
      // The client has ended already, as the server wanted.
    }
    await child.status;
    assert.match(text, /<<< .*Alert.*no_renegotiation/);
    assert.equal(text.match(/<<< .*, ServerHello$/gm)?.length, 1);
  });

  test("listens on a Unix socket, or refuses to", async (dir) => {
    const path = dir.file("tls.sock");
    if (!has("unix-listen")) {
      await Proxy.start(dir, "unix:x").then((proxy) => proxy[Symbol.asyncDispose]());
      const { code, lines } = await refusal(dir, { cert: "cert.pem", key: "key.pem", listen: `unix:${path}` });
      assert.equal(code, 1);
      assert.match(lines[0], /unix.*engine = "node"/i);
      return;
    }
    await using backend = new Backend(dir.file("app.sock"), echo);
    {
      await using _proxy = await start(dir, backend.address, { listener: { listen: `unix:${path}` } });
      const socket = net.connect({ path });
      assert.equal((await tlsClient({ socket, servername: "localhost" })).answer, "hello");
      _proxy.program.signal("SIGTERM");
      assert.equal(await _proxy.program.exit(), 0);
    }
    assert.throws(() => Deno.statSync(path), Deno.errors.NotFound, "the socket is removed on exit");
  });
}

/** The first bytes that come back. */
async function answerTo(proxy: Proxy, hello: Uint8Array, bytes = 11): Promise<Uint8Array> {
  const conn = await proxy.connectTcp();
  try {
    await writeAll(conn, hello);
    return await readExactly(conn, bytes);
  } finally {
    conn.close();
  }
}
