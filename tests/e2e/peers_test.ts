import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { Nginx } from "../support/peers/nginx.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { Proxy, TempDir } from "../support/proxies/proxy.ts";
import { Program } from "../support/proxies/program.ts";
import { patternBytes } from "../support/random.ts";

const NGINX = { command: "nginx", debian: "nginx" };
const CURL = { command: "curl", debian: "curl" };
const WRK = { command: "wrk", debian: "wrk" };
const H2LOAD = { command: "h2load", debian: "nghttp2-client" };
const SSLSCAN = { command: "sslscan", debian: "sslscan" };
const OPENSSL = { command: "openssl", debian: "openssl" };
const GNUTLS = { command: "gnutls-cli", debian: "gnutls-bin" };

function files(dir: TempDir): string {
  for (const size of [10, 20_000, 1_000_000]) {
    Deno.writeFileSync(dir.file(`${size}`), patternBytes(size), { mode: 0o644 });
  }
  return `root ${dir.path};`;
}

peerTest("demo answers curl with the bytes that it sent, from none to 100 MB", [CURL], async () => {
  using dir = new TempDir();
  // It is killed at the end, and leaves its files.
  await using program = new Program(["demo", "--port", "0"], { env: { TMPDIR: dir.path } });
  const { address } = await program.record(({ event }) => event === "listening");
  const url = `https://localhost:${String(address).split(":").at(-1)}/`;
  for (const size of [0, 1, 1_000_000, 100_000_000]) {
    Deno.writeFileSync(dir.file("in"), patternBytes(size));
    const { code } = await runPeer("curl", ["-sk", "--data-binary", `@${dir.file("in")}`, "-o", dir.file("out"), url]);
    assert.equal(code, 0);
    assert.deepEqual(size === 0 ? new Uint8Array() : Deno.readFileSync(dir.file("out")), patternBytes(size));
  }
});

peerTest("nginx behind the proxy serves HTTP/1.1 with keep-alive without an error", [NGINX, WRK], async () => {
  using dir = new TempDir();
  await using _nginx = await Nginx.start(
    dir.path,
    `server { listen unix:${dir.file("app.sock")}; ${files(dir)} }`,
    dir.file("app.sock"),
  );
  await using proxy = await Proxy.start(dir, `unix:${dir.file("app.sock")}`);
  const { text } = await runPeer("wrk", ["-t1", "-c100", "-d3s", `https://127.0.0.1:${proxy.port}/20000`]);
  assert.match(text, /\d+ requests in/);
  assert.doesNotMatch(text, /Socket errors|Non-2xx/);
});

peerTest("nginx behind the proxy serves HTTP/2 where ALPN chose it", [NGINX, CURL, H2LOAD], async () => {
  using dir = new TempDir();
  await using _nginx = await Nginx.start(
    dir.path,
    `server { listen unix:${dir.file("app.sock")} http2; ${files(dir)} }`,
    dir.file("app.sock"),
  );
  await using proxy = await Proxy.start(dir, `unix:${dir.file("app.sock")}`, {
    listener: { alpn: ["h2", "http/1.1"] },
  });
  const url = `https://localhost:${proxy.port}/1000000`;
  const curl = await runPeer("curl", ["-sk", "--http2", "-o", dir.file("out"), "-w", "%{http_version}", url]);
  assert.equal(curl.text, "2");
  assert.deepEqual(Deno.readFileSync(dir.file("out")), patternBytes(1_000_000));
  const load = await runPeer("h2load", ["-n2000", "-c20", "-m10", `https://127.0.0.1:${proxy.port}/20000`]);
  assert.match(load.text, /2000 succeeded, 0 failed, 0 errored/);
  const record = await proxy.program.record(({ event }) => event === "connection");
  assert.equal(record.alpn, "h2");
});

peerTest("sslscan finds TLS 1.2 and 1.3 only, and no weak cipher", [SSLSCAN], async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address);
  const { text } = await runPeer("sslscan", ["--no-colour", "--no-heartbleed", `127.0.0.1:${proxy.port}`]);
  for (const [version, state] of [["SSLv2", "disabled"], ["SSLv3", "disabled"], ["TLSv1.0", "disabled"]]) {
    assert.match(text, new RegExp(`${version.replace(".", "\\.")}\\s+${state}`));
  }
  assert.match(text, /TLSv1\.1\s+disabled/);
  assert.match(text, /TLSv1\.2\s+enabled/);
  assert.match(text, /TLSv1\.3\s+enabled/);
  const ciphers = [...text.matchAll(/^(?:Preferred|Accepted)\s+(TLSv1\.\d)\s+(\d+) bits\s+(\S+)/gm)];
  assert.ok(ciphers.length >= 5, text);
  for (const [, , bits, name] of ciphers) {
    assert.ok(Number(bits) >= 128, name);
    assert.match(name, /GCM|CHACHA20/);
  }
});

peerTest("openssl s_client and gnutls-cli talk through the proxy", [OPENSSL, GNUTLS], async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  await using proxy = await Proxy.start(dir, backend.address);
  const hello = new TextEncoder().encode("hello\n");
  for (const version of ["-tls1_2", "-tls1_3"]) {
    const args = ["s_client", "-quiet", "-no_ign_eof", version, "-CAfile", dir.file("cert.pem")];
    const { text } = await runPeer("sh", [
      "-c",
      `(echo hello; sleep 1) | openssl ${args.join(" ")} -verify_return_error -connect 127.0.0.1:${proxy.port}`,
    ]);
    assert.equal(text, "hello\n", version);
  }
  const { text } = await runPeer(
    "gnutls-cli",
    [
      "--x509cafile",
      dir.file("cert.pem"),
      "--sni-hostname",
      "localhost",
      "--verify-hostname",
      "localhost",
      "-p",
      `${proxy.port}`,
      "127.0.0.1",
    ],
    hello,
  );
  assert.match(text, /hello/);
});
