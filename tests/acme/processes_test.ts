/** Several processes of the real program: on one storage, with several listeners, with clients' certificates. */
import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { freePort } from "../../bench/lab/free_port.ts";
import { assertEcho, isServed, startOrdering } from "../support/proxies/ordering_proxy.ts";
import { AcmeFront } from "../support/peers/acme_front.ts";
import { PEBBLE, Pebble } from "../support/peers/pebble.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { TempDir, testCertificate } from "../support/proxies/proxy.ts";
import { until } from "../support/wait.ts";

const NAME = "a.example.net";
const OPENSSL = [{ command: "openssl", debian: "openssl" }];

peerTest("a process killed in the middle of an order leaves what another one takes over", PEBBLE, async () => {
  using dir = new TempDir();
  using other = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const [portA, portB] = [freePort(), freePort()];
  await using pebble = await Pebble.start({ tlsPort: portB });
  await using front = await AcmeFront.start(pebble);
  const storage = dir.file("shared");
  const config = { acme: { storage } };
  // The server is never told to validate the name, so that the order does not end.
  front.intercept = (_, path) =>
    path.startsWith("/chalZ/") ? { headers: { "replay-nonce": "bm9uY2U" }, body: { status: "pending" } } : null;
  const names = [NAME];
  const options = { authority: front, names, config };
  {
    await using killed = await startOrdering(dir, backend.address, { ...options, port: portA });
    await until(() => front.requests.some((request) => request.includes("/chalZ/")), "the order is half done");
    killed.program.signal("SIGKILL");
    await killed.program.exit();
  }
  const only = (folder: string) => [...Deno.readDirSync(`${storage}/${folder}`)].map(({ name }) => name);
  assert.equal(only("locks").length, 1);
  assert.equal(only("challenges").length, 1);
  front.intercept = () => null;
  await using heir = await startOrdering(other, backend.address, { ...options, port: portB });
  const lock = `${storage}/locks/${only("locks")[0]}`;
  const longAgo = new Date(Date.now() - 60_000);
  Deno.utimeSync(lock, longAgo, longAgo);
  await heir.program.record(isServed, "certificate", 60_000);
  const root = await pebble.root();
  await assertEcho(portB, NAME, root);
  assert.deepEqual([only("locks"), only("challenges")], [[], []]);
  // The other process has the certificate from the storage.
  await using again = await startOrdering(dir, backend.address, { ...options, port: portA });
  await assertEcho(portA, NAME, root);
  assert.ok(!again.program.records.some(({ event }) => event === "acme-order"));
});

peerTest("two listeners have certificates of their own, and a client's is never asked for by a validation", [
  ...PEBBLE,
  ...OPENSSL,
], async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const [port, second] = [freePort(), freePort()];
  await using pebble = await Pebble.start({ tlsPort: port });
  Deno.writeTextFileSync(dir.file("ca.pem"), (await testCertificate()).cert);
  await using proxy = await startOrdering(dir, backend.address, {
    authority: pebble,
    port,
    names: [NAME],
    listener: { "client-auth": { mode: "required", ca: "ca.pem" }, alpn: ["http/1.1"] },
    config: { workers: 2 },
  });
  await proxy.program.record(isServed, "certificate");
  const file = dir.file("proxy.toml");
  const more = `
[[listener]]
name = "second"
listen = "127.0.0.1:${second}"
backend = "${backend.address}"
acme = ["b.example.net", "127.0.0.1"]
`;
  Deno.writeTextFileSync(file, Deno.readTextFileSync(file) + more);
  assert.equal((await proxy.reload()).event, "reload");
  await proxy.program.record((record) => isServed(record) && record.name === "b.example.net", "the second certificate");
  await assertEcho(second, "b.example.net", await pebble.root());
  const { text } = await runPeer("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, "-servername", NAME]);
  assert.match(text, /Requested Signature Algorithms/, "usual clients are asked for a certificate");
  const validations = proxy.program.connections().filter(({ reason }) => reason === "acme-challenge");
  // The authority connects to one port only. That listener answers also for the names of the other one.
  assert.deepEqual([...new Set(validations.map(({ listener }) => listener))], ["web"]);
  assert.ok(validations.some(({ sni }) => sni === "1.0.0.127.in-addr.arpa"));
  assert.ok(validations.every(({ client_cn }) => client_cn === undefined));
});
