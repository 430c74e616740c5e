import assert from "node:assert/strict";
import { barestOf } from "../../bench/report/barest_section.ts";
import { contenderByName } from "../../bench/contenders/mod.ts";
import { parseLibrary } from "../../bench/lab/tools.ts";
import { Lab } from "../../bench/lab/lab.ts";
import { startFileBackend } from "../../bench/backends/files.ts";
import { startProxy } from "../../bench/contenders/proxies.ts";
import { Backend, writeAll } from "../support/applications/backend.ts";
import { peerTest } from "../support/peers/peers.ts";
import { TempDir } from "../support/proxies/proxy.ts";
import { bunProgram } from "../support/proxies/runtimes.ts";

const OPENSSL = [{ command: "openssl", debian: "openssl" }];
const SOURCE = new URL("../..", import.meta.url).pathname;

Deno.test("peers of another installation are started there, with its TLS library asked for, too", async () => {
  const haproxy = contenderByName("haproxy", { source: ".", peers: "/sid" });
  assert.deepEqual(haproxy.version, ["chroot", "/sid", "haproxy", "-v"]);
  assert.deepEqual(haproxy.library, ["chroot", "/sid", "haproxy", "-vv"]);
  assert.deepEqual(haproxy.needs.map(({ command }) => command), ["chroot", "/sid/usr/sbin/haproxy"]);
  const certificate = { ca: "ca", cert: "cert", key: "key", combined: "both" };
  const setup = { port: 5, backend: "/s", folder: "/f", connections: 1, workers: 2, certificate };
  const { command, args, files } = await haproxy.launch(setup);
  assert.deepEqual([command, ...args].slice(0, 3), ["chroot", "/sid", "haproxy"]);
  assert.match(files!["haproxy.cfg"], /nbthread 2/);
  assert.equal(contenderByName("tls-off", { source: ".", peers: "/sid" }).root, undefined);
});

Deno.test("parseLibrary() takes the library that runs", () => {
  const text =
    "Built with SSL library version : OpenSSL 3.5.1 1 Jul\nRunning on SSL library version : OpenSSL 3.6.5 29 Sep";
  assert.equal(parseLibrary(text), "OpenSSL 3.6.5");
  assert.equal(parseLibrary("BoringSSL 0123456789abcdef0123"), "BoringSSL 0123456789ab");
  assert.equal(parseLibrary("hitch 1.8.0"), null);
});

Deno.test("ours are compared with the loop on their own runtime and engine, where there is one", () => {
  const names = ["tls-off", "tls-off:bun", "tls-off:binary", "tls-off:bun-binary", "tls-off:deno-node", "tls-off:node"];
  assert.deepEqual(names.map(barestOf), [
    ...["barest:deno", "barest:bun", "barest:deno", "barest:bun"],
    "barest:deno-node",
    null,
  ]);
});

for (const loop of ["deno", "deno-node", "bun"]) {
  peerTest(`the barest loop on ${loop} relays what it gets`, OPENSSL, async () => {
    await using lab = await Lab.open();
    const backend = await startFileBackend(lab, [10, 1_000_000], 100);
    const { port, caCerts } = await startLoop(lab, loop, backend.path);
    using client = Deno.createHttpClient({ caCerts });
    const answer = await fetch(`https://localhost:${port}/1000000`, { client });
    assert.equal((await answer.bytes()).length, 1_000_000);
  });
}

peerTest("the barest loop on bun delivers the answer to a client that still sends", OPENSSL, async () => {
  await using lab = await Lab.open();
  using dir = new TempDir();
  const path = dir.file("app.sock");
  const answer = new Uint8Array(300_000);
  const answered = Promise.withResolvers<void>();
  await using _application = new Backend(path, async (conn) => {
    // Whether the proxy has started is found out by a connection that sends nothing.
    if (await conn.read(new Uint8Array(20)) === null) return;
    await writeAll(conn, answer);
    answered.resolve();
  });
  const { port, caCerts } = await startLoop(lab, "bun", path, () => Promise.resolve(true));
  using client = await Deno.connectTls({ hostname: "localhost", port, caCerts });
  await client.write(new Uint8Array(20));
  await answered.promise;
  // Where the loop closes its socket over bytes of the client, the kernel drops what is left of the answer.
  let received = 0;
  const buffer = new Uint8Array(65_536);
  while (received < answer.length) {
    await client.write(new Uint8Array(4));
    const count = await client.read(buffer);
    assert.ok(count !== null, `the answer ends after ${received} bytes`);
    received += count;
  }
});

async function startLoop(
  lab: Lab,
  loop: string,
  backend: string,
  check?: () => Promise<boolean>,
): Promise<{ port: number; caCerts: string[] }> {
  // The bench takes the runtimes that are installed, which these need not be.
  using dir = new TempDir();
  Deno.symlinkSync(Deno.execPath(), dir.file("deno"));
  if (loop === "bun") Deno.symlinkSync(await bunProgram(), dir.file("bun"));
  const path = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", `${dir.path}:${path}`);
  try {
    const contender = contenderByName(`barest:${loop}`, { source: SOURCE, peers: null });
    const { port } = await startProxy(lab, contender, { key: "ecdsa", backend, connections: 100, check });
    return { port, caCerts: [await Deno.readTextFile(lab.certificates.ecdsa.ca)] };
  } finally {
    Deno.env.set("PATH", path);
  }
}
