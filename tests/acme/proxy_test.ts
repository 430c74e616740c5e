/** The real program, ordering its certificates from a real ACME server. */
import assert from "node:assert/strict";
import { Backend, echo } from "../support/applications/backend.ts";
import { freePort } from "../../bench/lab/free_port.ts";
import { assertEcho, isServed, startOrdering } from "../support/proxies/ordering_proxy.ts";
import { PEBBLE, Pebble } from "../support/peers/pebble.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { runProgram } from "../support/proxies/program.ts";
import { TempDir } from "../support/proxies/proxy.ts";
import { CONTENDERS, runtimeCommand } from "../support/proxies/runtimes.ts";

const OPENSSL = [{ command: "openssl", debian: "openssl" }];
const CURL = [{ command: "curl", debian: "curl" }];
const NAMES = ["a.example.net", "b.example.net"];

for (const { runtime, engine } of CONTENDERS) {
  peerTest(
    `${engine} on ${runtime}: the first start orders, serves, and a restart needs no network`,
    PEBBLE,
    async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      const port = freePort();
      const command = await runtimeCommand(runtime);
      const listener = engine === "native" ? {} : { engine };
      let root: string;
      let authority: { directory: string; caPem: string };
      {
        await using pebble = await Pebble.start({ tlsPort: port, env: { PEBBLE_WFE_NONCEREJECT: "20" } });
        root = await pebble.root();
        authority = { directory: pebble.directory, caPem: pebble.caPem };
        await using proxy = await startOrdering(dir, backend.address, {
          authority,
          port,
          names: NAMES,
          command,
          listener,
        });
        await proxy.program.record(isServed, "certificate");
        for (const name of NAMES) await assertEcho(port, name, root);
        // The engine that was asked for serves again: the native one of Deno tells no versions.
        const served = await proxy.program.record(({ reason }) => reason === "client-closed", "record of a client");
        assert.equal("tls_version" in served, !(runtime === "deno" && engine === "native"));
        const validated = proxy.program.connections().filter(({ reason }) => reason === "acme-challenge");
        assert.deepEqual([...new Set(validated.map(({ sni }) => sni))].sort(), NAMES);
        assert.ok(validated.every(({ alpn, backend }) => alpn === "acme-tls/1" && backend === undefined));
        assert.equal(proxy.program.records.filter(({ event }) => event === "acme-waiting").length, 1);
      }
      await using again = await startOrdering(dir, backend.address, {
        authority,
        port,
        names: NAMES,
        command,
        listener,
      });
      for (const name of NAMES) await assertEcho(port, name, root);
      assert.ok(!again.program.records.some(({ event }) => event === "acme-order"));
    },
  );
}

for (const runtime of ["deno", "bun", "node"] as const) {
  peerTest(
    `${runtime}: until the first certificate clients get an alert, and /readyz waits`,
    [...OPENSSL, ...CURL],
    async () => {
      using dir = new TempDir();
      await using backend = new Backend(dir.file("app.sock"), echo);
      const port = freePort();
      // No directory listens at this address.
      const authority = { directory: `https://localhost:${freePort()}/dir`, caPem: await ownCa() };
      await using proxy = await startOrdering(dir, backend.address, {
        authority,
        port,
        names: NAMES,
        command: await runtimeCommand(runtime),
        config: { admin: { listen: `unix:${dir.file("admin.sock")}` } },
      });
      for (
        const args of [["-servername", NAMES[0]], ["-noservername"], ["-servername", NAMES[0], "-alpn", "acme-tls/1"]]
      ) {
        const { errors } = await runPeer("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, ...args]);
        assert.match(errors, /unrecognized name|alert number 112/, args.join(" "));
      }
      const ask = async (path: string) =>
        (await runPeer("curl", ["-s", "--unix-socket", dir.file("admin.sock"), `http://localhost${path}`])).text;
      assert.match(await ask("/readyz"), /listener "web" waits for its first certificate/);
      const { error, next_attempt } = await proxy.program.record(
        ({ event }) => event === "acme-failed",
        "failed order",
      );
      assert.match(String(error), /^Cannot reach localhost:\d+: /);
      const metrics = await ask("/metrics");
      const seconds = Number(
        /tls_off_acme_next_attempt_timestamp_seconds\{name="a\.example\.net"\} ([\d.e+]+)/.exec(metrics)![1],
      );
      assert.ok(Math.abs(seconds * 1000 - Date.parse(String(next_attempt))) < 1_000);
      assert.match(metrics, /tls_off_acme_orders_total\{result="failed"\} 1/);
      assert.match(await ask("/healthz"), /ok/);
    },
  );
}

/** Makes any certificate. */
async function ownCa(): Promise<string> {
  const { testCertificate } = await import("../support/proxies/proxy.ts");
  return (await testCertificate()).cert;
}

peerTest(
  "an external account of the configuration lets the program order; without it the log says what is missing",
  PEBBLE,
  async () => {
    using dir = new TempDir();
    await using backend = new Backend(dir.file("app.sock"), echo);
    const port = freePort();
    const key = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";
    await using pebble = await Pebble.start({ tlsPort: port, externalAccounts: { "kid-1": key } });
    Deno.writeTextFileSync(dir.file("eab.key"), `${key}\n`, { mode: 0o600 });
    const options = { authority: pebble, port, names: [NAMES[0]] };
    {
      // Each has a storage of its own, because a process that is killed leaves a lock for half a minute.
      using other = new TempDir();
      await using unbound = await startOrdering(other, backend.address, options);
      const { error } = await unbound.program.record(({ event }) => event === "acme-failed", "failed order");
      assert.match(String(error), /external account.*eab-kid and eab-key-file/);
    }
    const acme = { "eab-kid": "kid-1", "eab-key-file": "eab.key" };
    await using proxy = await startOrdering(dir, backend.address, { ...options, config: { acme } });
    await proxy.program.record(isServed, "certificate");
    await assertEcho(port, NAMES[0], await pebble.root());
    assert.ok(!JSON.stringify(proxy.program.records).includes(key));
  },
);

peerTest("check says what will be ordered, and whether the directory answers", PEBBLE, async () => {
  using dir = new TempDir();
  await using pebble = await Pebble.start({ tlsPort: 1 });
  Deno.writeTextFileSync(dir.file("authority.pem"), pebble.caPem);
  const write = (acme: string) =>
    Deno.writeTextFileSync(
      dir.file("proxy.toml"),
      `[[listener]]
name = "web"
listen = ":443"
backend = "unix:app.sock"
acme = ["a.example.net"]
[acme]
terms-agreed = true
ca = "authority.pem"
${acme}
`,
    );
  const file = dir.file("proxy.toml");
  write(`directory = "${pebble.directory}"`);
  const offline = await runProgram(["check", file]);
  assert.deepEqual([offline.code, offline.complaints], [0, []]);
  assert.match(offline.stdout, /engine +node: acme \(there is no certificate yet\)/);
  assert.match(offline.stdout, /acme +a\.example\.net: to be ordered from https:\/\/localhost:\d+\/dir\n/);
  assert.throws(() => Deno.statSync(dir.file("acme")), Deno.errors.NotFound);
  const online = await runProgram(["check", "--online", file]);
  assert.equal(online.code, 0);
  assert.match(online.stdout, /directory https:\/\/localhost:\d+\/dir answers\n/);
  write(`directory = "https://localhost:${freePort()}/dir"`);
  const away = await runProgram(["check", "--online", file]);
  assert.equal(away.code, 1);
  assert.match(away.complaints.join("\n"), /Cannot reach localhost:\d+: /);
  write(`directory = "${pebble.directory}"\nprofile = "shortlived"`);
  const profile = await runProgram(["check", "--online", file]);
  assert.match(profile.complaints.join("\n"), /acme\.profile: the directory has no profile "shortlived"/);
  write(`directory = "${pebble.directory}"\nstorage = "open"`);
  Deno.mkdirSync(dir.file("open"), { mode: 0o777 });
  Deno.chmodSync(dir.file("open"), 0o777);
  const open = await runProgram(["check", file]);
  assert.equal(open.code, 1);
  assert.match(open.complaints.join("\n"), /acme\.storage: Cannot keep certificates in .*: other users can write/);
});

peerTest("acme list, renew and revoke go by the storage, and the program that runs follows", PEBBLE, async () => {
  using dir = new TempDir();
  await using backend = new Backend(dir.file("app.sock"), echo);
  const port = freePort();
  await using pebble = await Pebble.start({ tlsPort: port });
  await using proxy = await startOrdering(dir, backend.address, { authority: pebble, port, names: NAMES });
  const file = dir.file("proxy.toml");
  const served = async (count: number) => {
    const seen = () => proxy.program.records.filter(isServed);
    await proxy.program.record(() => seen().length >= count, `certificate number ${count}`, 40_000);
    return seen()[count - 1].valid_until;
  };
  await served(1);
  const before = await runProgram(["acme", "list", file]);
  assert.match(
    before.stdout,
    /^a\.example\.net, b\.example\.net\n {2}from +https:.*\n {2}certificate +valid until .*Z\n {2}file +/,
  );
  const renewed = await runProgram(["acme", "renew", "b.example.net", file]);
  assert.deepEqual([renewed.code, renewed.complaints], [0, []]);
  assert.match(renewed.stdout, /a\.example\.net is validated\n[^]*Issued: valid until /);
  await served(2);
  const root = await pebble.root();
  await assertEcho(port, NAMES[0], root);
  const revoked = await runProgram(["acme", "revoke", "a.example.net", file]);
  assert.deepEqual([revoked.code, revoked.complaints], [0, []]);
  assert.match(revoked.stdout, /^Revoked the certificate for a\.example\.net, b\.example\.net, and removed /);
  await served(3);
  await assertEcho(port, NAMES[0], root);
  const unknown = await runProgram(["acme", "renew", "c.example.net", file]);
  assert.equal(unknown.code, 1);
  assert.match(unknown.complaints[0], /^tls-off: No certificate for "c\.example\.net" in .*: see tls-off acme list$/);
});
