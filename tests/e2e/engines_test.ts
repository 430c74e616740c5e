/** TLS as the clients of others see it, on every engine and runtime. */
import assert from "node:assert/strict";
import { CAPABILITIES } from "../../src/tls/capabilities.ts";
import { Backend, echo } from "../support/applications/backend.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, type ProxyOptions, TempDir } from "../support/proxies/proxy.ts";
import { type Contender, CONTENDERS, runtimeCommand } from "../support/proxies/runtimes.ts";
import { contenders } from "../support/proxies/under_test.ts";
import { sClient } from "../support/peers/s_client.ts";
import { until } from "../support/wait.ts";
import { type MadeCertificate, makeCertificate } from "../tls/make_certificates.ts";

const OPENSSL = { command: "openssl", debian: "openssl" };
const GNUTLS = { command: "gnutls-cli", debian: "gnutls-bin" };
const CURL = { command: "curl", debian: "curl" };

for (const contender of contenders(CONTENDERS)) {
  const { runtime, engine } = contender;
  const where = `(${engine} on ${runtime})`;
  const lacks = CAPABILITIES[runtime][engine]!;

  peerTest(`openssl s_client negotiates, and resumes sessions of TLS 1.2 and 1.3 ${where}`, [OPENSSL], async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    await using proxy = await start(contender, dir, backend, { alpn: ["h2", "http/1.1"] });
    const preferred = await sClient(proxy.port, "-alpn", "http/1.1,h2");
    assert.match(preferred.text, /ALPN protocol: h2/);
    assert.equal((await sClient(proxy.port, "-alpn", "spdy/3")).alert, 120); // no_application_protocol
    for (const version of ["-tls1_2", "-tls1_3"]) {
      const session = dir.file(`session${version}`);
      const first = await sClient(proxy.port, version, "-sess_out", session);
      assert.match(first.text, /^New, TLSv1/m);
      const second = await sClient(proxy.port, version, "-sess_in", session);
      assert.match(second.text, /^Reused, TLSv1/m);
      assert.ok(first.echoed && second.echoed);
    }
    // Five more connections in a row with one session, by the client's own option.
    const { text } = await runPeer(
      "openssl",
      ["s_client", "-connect", `127.0.0.1:${proxy.port}`, "-tls1_2", "-reconnect"],
    );
    assert.equal(text.match(/^Reused, TLSv1.2/gm)?.length, 5);
    if (lacks["tls-details"] !== undefined) return;
    const records = () => proxy.program.connections().filter(({ bytes_in }) => Number(bytes_in) > 0);
    await until(() => records().length === 5, "every connection has its record");
    assert.deepEqual(
      records().map((record) => [record.tls_version, record.resumed]),
      [["TLSv1.3", false], ["TLSv1.2", false], ["TLSv1.2", true], ["TLSv1.3", false], ["TLSv1.3", true]],
    );
  });

  peerTest(
    `gnutls-cli and curl are content with certificate, ALPN and resumption ${where}`,
    [GNUTLS, CURL],
    async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), http);
      await using proxy = await start(contender, dir, backend, { alpn: ["http/1.1"] });
      const curl = await runPeer("curl", ["-sS", "--cacert", dir.file("cert.pem"), `https://localhost:${proxy.port}/`]);
      assert.equal(`${curl.text}${curl.errors}`, "fine");
      const request = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      const gnutls = await runPeer("gnutls-cli", [
        ...["--x509cafile", dir.file("cert.pem"), "--port", `${proxy.port}`],
        // In TLS 1.3 it leaves before it has read a ticket that comes with the first answer, as Bun sends it.
        ...["--priority", "NORMAL:-VERS-TLS1.3", "--alpn", "http/1.1", "--resume", "localhost"],
      ], request);
      assert.match(gnutls.text, /Application protocol: http\/1.1/);
      assert.match(gnutls.text, /This is a resumed session/);
      assert.match(gnutls.text, /fine/);
    },
  );

  if (lacks["version-limits"] === undefined) {
    peerTest(`openssl s_client is told that its version is not spoken ${where}`, [OPENSSL], async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      await using newer = await start(contender, dir, backend, { "min-version": "1.3" });
      assert.equal((await sClient(newer.port, "-tls1_2")).alert, 70); // protocol_version
      assert.ok((await sClient(newer.port, "-tls1_3")).echoed);
      await using older = await start(contender, dir, backend, { "max-version": "1.2" });
      assert.equal((await sClient(older.port, "-tls1_3")).alert, 70);
      assert.match((await sClient(older.port)).text, /^New, TLSv1.2/m);
    });
  }

  if (lacks["several-certificates"] === undefined) {
    peerTest(`openssl s_client gets the certificate of the name that it asks for ${where}`, [OPENSSL], async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      write(dir, "rsa", await makeCertificate({ dnsNames: ["rsa.example"], commonName: "rsa", key: "RSA-2048" }));
      write(dir, "ed", await makeCertificate({ dnsNames: ["*.ed.example"], commonName: "ed", key: "Ed25519" }));
      await using proxy = await start(contender, dir, backend, {
        "sni-strict": true,
        certificates: [{ cert: "rsa.pem", key: "rsa.key" }, { cert: "ed.pem", key: "ed.key" }],
      });
      const shown = async (...args: string[]) =>
        /^subject=CN = (.*)$/m.exec((await sClient(proxy.port, ...args)).text)?.[1];
      assert.equal(await shown("-servername", "RSA.example"), "rsa");
      assert.equal(await shown("-servername", "rsa.example", "-tls1_2"), "rsa");
      assert.equal(await shown("-servername", "a.ed.example"), "ed");
      assert.equal(await shown("-noservername"), "localhost");
      for (const version of ["-tls1_2", "-tls1_3"]) {
        assert.equal((await sClient(proxy.port, "-servername", "a.b.ed.example", version)).alert, 112); // unrecognized_name
      }
    });
  }

  if (lacks["client-auth"] === undefined) {
    peerTest(
      `openssl s_client and curl come in with a certificate, and not without ${where}`,
      [OPENSSL, CURL],
      async () => {
        using dir = new TempDir();
        await using backend = new Backend(dir.file("app.sock"), http);
        const ca = await makeCertificate({ commonName: "clients", ca: true });
        write(dir, "ca", ca);
        write(dir, "alice", await makeCertificate({ commonName: "alice", issuer: ca, use: "clientAuth" }));
        write(dir, "foreign", await makeCertificate({ commonName: "alice", use: "clientAuth" }));
        await using proxy = await start(contender, dir, backend, { "client-auth": { mode: "required", ca: "ca.pem" } });
        const curl = (...args: string[]) =>
          runPeer("curl", ["-sS", "--cacert", dir.file("cert.pem"), ...args, `https://localhost:${proxy.port}/`]);
        const identity = (name: string) => ["--cert", dir.file(`${name}.pem`), "--key", dir.file(`${name}.key`)];
        assert.equal((await curl(...identity("alice"))).text, "fine");
        assert.match((await curl()).errors, /certificate required/);
        assert.equal((await curl(...identity("foreign"))).text, "");
        for (let round = 0; round < 5; round++) assert.equal((await sClient(proxy.port, "-tls1_3")).alert, 116);
        assert.match((await sClient(proxy.port, "-tls1_2")).text, /handshake failure|certificate required/i);
      },
    );

    // What was refused once stays refused: a session is resumed without its certificate being looked at again.
    peerTest(`openssl s_client cannot come in by resuming a session that was refused ${where}`, [OPENSSL], async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      const ca = await makeCertificate({ commonName: "clients", ca: true });
      write(dir, "ca", ca);
      write(dir, "alice", await makeCertificate({ commonName: "alice", issuer: ca, use: "clientAuth" }));
      write(dir, "foreign", await makeCertificate({ commonName: "alice", use: "clientAuth" }));
      await using proxy = await start(contender, dir, backend, { "client-auth": { mode: "optional", ca: "ca.pem" } });
      for (const version of ["-tls1_2", "-tls1_3"]) {
        for (const [name, welcome] of [["alice", true], ["foreign", false]] as const) {
          const identity = ["-cert", dir.file(`${name}.pem`), "-key", dir.file(`${name}.key`), version];
          const session = dir.file(`${name}${version}`);
          const first = await sClient(proxy.port, ...identity, "-sess_out", session);
          assert.equal(first.echoed, welcome, `${name} ${version}`);
          // Where the server gave out no session, none can be resumed, which is right, too.
          if (!exists(session)) continue;
          const again = await sClient(proxy.port, ...identity, "-sess_in", session);
          assert.equal(again.echoed, welcome, `${name} ${version} again`);
          if (welcome) assert.match(again.text, /^Reused/m);
        }
      }
    });
  }
}

function start({ runtime, engine }: Contender, dir: TempDir, backend: Backend, listener: ProxyOptions["listener"]) {
  return runtimeCommand(runtime).then((command) =>
    Proxy.start(dir, backend.address, { command, listener: { engine, ...listener } })
  );
}

/** An application that answers any request, and ends the connection. */
async function http(conn: Deno.Conn): Promise<void> {
  await conn.read(new Uint8Array(4096));
  await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfine"));
}

function write(dir: TempDir, name: string, { cert, key }: MadeCertificate): void {
  Deno.writeTextFileSync(dir.file(`${name}.pem`), cert);
  Deno.writeTextFileSync(dir.file(`${name}.key`), key, { mode: 0o600 });
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
