/** The units as shipped, with each binary, on a real systemd of Debian 12. */
import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { ROOT } from "../../scripts/reference/inventory.ts";
import { judgeRuntime } from "../../src/runtimes/floors.ts";
import type { RuntimeName } from "../../src/runtimes/name.ts";
import { makeSelfSigned } from "../../src/tls/certificates/self_signed.ts";
import { peerTest, runPeer } from "../support/peers/peers.ts";
import { sClientBy } from "../support/peers/s_client.ts";
import { SYSTEMD_PEERS, SystemdMachine } from "../support/peers/systemd_machine.ts";

const DEPLOY = `${ROOT}scripts/deploy`;
const OPENSSL = { command: "openssl", debian: "openssl" };
const BINARIES = ["tls-off-linux-x64", "tls-off-bun-linux-x64"];
const UNIT = "tls-off.service";

const read = (name: string) => Deno.readTextFileSync(`${DEPLOY}/${name}`);

/** An application that echoes, made of systemd and cat alone. */
const ECHO_SOCKET = "[Socket]\nListenStream=/run/app/app.sock\nAccept=yes\nSocketGroup=www-data\nSocketMode=0660\n";
const ECHO_SERVICE = "[Service]\nExecStart=/bin/cat\nStandardInput=socket\nStandardOutput=socket\n";

/** Installs the unit as a user does. */
async function install(machine: SystemdMachine, binary: string): Promise<void> {
  await Deno.copyFile(binary, `${machine.root}/usr/local/bin/tls-off`);
  await Deno.chmod(`${machine.root}/usr/local/bin/tls-off`, 0o755);
  await machine.write("/etc/systemd/system/tls-off.service", read("systemd/tls-off.service"));
  await machine.write("/etc/systemd/system/tls-off.socket", read("systemd/tls-off.socket"));
  await machine.write("/usr/lib/sysusers.d/tls-off.conf", read("systemd/tls-off.sysusers"));
  await machine.write("/etc/tls-off/tls-off.toml", read("systemd/tls-off.toml"));
  await machine.write("/etc/systemd/system/echo.socket", ECHO_SOCKET);
  await machine.write("/etc/systemd/system/echo@.service", ECHO_SERVICE);
  await machine.must(["systemd-sysusers"]);
  await renew(machine, "first.example");
  await machine.must(["systemctl", "daemon-reload"]);
  await machine.must(["systemctl", "start", "echo.socket"]);
}

/** Renews as certbot would: two new files, and the deploy hook. */
async function renew(machine: SystemdMachine, name: string): Promise<void> {
  const { cert, key } = await makeSelfSigned({ hosts: [name] });
  await machine.write("/root/live/fullchain.pem", cert);
  await machine.write("/root/live/privkey.pem", key, 0o600);
  await machine.write("/root/hook", read("certbot/tls-off.sh"), 0o755);
  await machine.must(["env", "RENEWED_LINEAGE=/root/live", "/root/hook"]);
}

/** Sends a line over TLS, and answers the name in the certificate where the line came back. */
async function ask(machine: SystemdMachine): Promise<string> {
  const { text, echoed } = await sClientBy(["nsenter", "-t", machine.leader, "-n", "--"], 443);
  if (!echoed) return `no echo: ${text}`;
  return /subject=.*CN = ([\w.]+)/.exec(text)?.[1] ?? text;
}

async function asksUntil(machine: SystemdMachine, wanted: string): Promise<void> {
  const deadline = performance.now() + 30_000;
  let got = "";
  while (performance.now() < deadline) if ((got = await ask(machine)) === wanted) return;
  assert.fail(`still ${got}, not ${wanted}${await machine.journal()}`);
}

const mainPid = async (machine: SystemdMachine) => (await machine.show(UNIT, "MainPID")).MainPID;

/** Resolves once another process serves than the one that was. */
async function whenReplaced(machine: SystemdMachine, pid: string): Promise<void> {
  await machine.until(
    ["systemctl", "show", UNIT, "-p", "MainPID", "-p", "ActiveState"],
    ({ text }) => text.includes("ActiveState=active") && !text.includes(`MainPID=${pid}\n`) && !/MainPID=0/.test(text),
  );
}

for (const name of BINARIES) {
  const binary = `${ROOT}dist/${name}`;
  const needs = [...SYSTEMD_PEERS, OPENSSL, { command: binary, debian: "no package: deno task build" }];
  peerTest(`the units as shipped run ${name} on a real systemd`, needs, async () => {
    await using machine = await SystemdMachine.boot();
    await install(machine, binary);

    // The command returns once the program listens.
    await machine.must(["systemctl", "start", UNIT]);
    assert.equal(await ask(machine), "first.example");
    const { StatusText, User } = await machine.show(UNIT, "StatusText", "User");
    assert.match(StatusText, /^serving \[::\]:443 with \d+ workers$/);
    assert.equal(User, "tls-off");

    // Each field of a record is a field of the journal.
    const { text } = await machine.until(
      ["journalctl", "-u", UNIT, "-o", "json", "EVENT=connection"],
      ({ text }) => text !== "",
    );
    const entry = JSON.parse(text.split("\n")[0]);
    assert.equal(entry.REASON, "client-closed");
    assert.equal(entry.LISTENER, "web");

    // A renewal by certbot needs no more than its hook; a reload by hand works as well.
    await renew(machine, "second.example");
    await asksUntil(machine, "second.example");
    const pid = await mainPid(machine);
    await machine.must(["systemctl", "reload", UNIT]);
    await machine.until(["journalctl", "-u", UNIT, "-o", "cat", "EVENT=reload"], ({ text }) => text.includes("SIGHUP"));
    assert.equal(await ask(machine), "second.example");
    assert.equal(await mainPid(machine), pid);

    // A process that dies is started anew.
    await machine.must(["sh", "-c", `kill -9 ${pid}`]);
    await whenReplaced(machine, pid);
    assert.equal(await ask(machine), "second.example");

    // A process that hangs is ended by the watchdog.
    await machine.write(`/run/systemd/system/${UNIT}.d/soon.conf`, "[Service]\nWatchdogSec=2s\n");
    await machine.must(["systemctl", "daemon-reload"]);
    await machine.must(["systemctl", "restart", UNIT]);
    const hangs = await mainPid(machine);
    await machine.must(["sh", "-c", `kill -STOP ${hangs}`]);
    await whenReplaced(machine, hangs);
    assert.equal(await ask(machine), "second.example");

    await machine.must(["systemctl", "stop", UNIT]);
    const stopped = await machine.show(UNIT, "Result", "ExecMainStatus");
    assert.deepEqual(stopped, { Result: "success", ExecMainStatus: "0" });

    // With the sockets in systemd's hands no connection is refused while the program is started anew.
    await machine.must(["systemctl", "start", "tls-off.socket"]);
    const [, runtime, version] = /^runtime (\w+) (\S+)$/m.exec(await machine.must(["tls-off", "version"]))!;
    if (judgeRuntime(["node"], runtime as RuntimeName, version).refusal !== null) {
      // The engine that takes over a socket does not work on a base as old as this: the program says so, and ends.
      assert.match(await ask(machine), /^no echo/);
      await machine.until(["journalctl", "-u", UNIT, "-o", "cat"], ({ text }) => /engine node/.test(text));
      return;
    }
    assert.equal(await ask(machine), "second.example");
    const restarts = (async () => {
      for (let turn = 0; turn < 3; turn++) await machine.must(["systemctl", "restart", UNIT]);
    })();
    const answers: string[] = [];
    for (let turn = 0; turn < 20; turn++) answers.push(await ask(machine));
    await restarts;
    assert.deepEqual(new Set(answers), new Set(["second.example"]));
  });
}

const ARM = Deno.build.arch === "aarch64";

/** How a newcomer installs a release, and removes it again. */
interface Way {
  /** The file of the release that is downloaded. */
  file: string;
  install(machine: SystemdMachine, path: string): Promise<void>;
  uninstall: string[];
  /** Where the program is then. */
  program: string;
}

const WAYS: Record<string, Way> = {
  "the Debian package": {
    file: `tls-off_${manifest.version}_${ARM ? "arm64" : "amd64"}.deb`,
    install: async (machine, path) => {
      await machine.must(["dpkg", "-i", path]);
    },
    uninstall: ["dpkg", "--purge", "tls-off"],
    program: "/usr/bin/tls-off",
  },
  "the archive and install.sh": {
    file: `tls-off-${manifest.version}-bun-linux-${ARM ? "arm64" : "x64"}.tar.gz`,
    install: async (machine, path) => {
      await machine.must(["mkdir", "/root/release"]);
      await machine.must(["tar", "-xzf", path, "--strip-components=1", "-C", "/root/release"]);
      const said = await machine.must(["sh", "/root/release/install.sh", "--systemd"]);
      assert.match(said, /systemctl enable --now tls-off/);
    },
    uninstall: ["sh", "/root/release/install.sh", "--uninstall"],
    program: "/usr/local/bin/tls-off",
  },
};

const DIST = Deno.env.get("TLS_OFF_DIST") ?? `${ROOT}dist`;

peerTest(
  "a newcomer gets from a release's files to a running, monitored service",
  [
    ...SYSTEMD_PEERS,
    OPENSSL,
    { command: "promtool", debian: "prometheus" },
    ...Object.values(WAYS).map(({ file }) => ({ command: `${DIST}/${file}`, debian: "no package: deno task build" })),
  ],
  async () => {
    await using machine = await SystemdMachine.boot();
    await machine.write("/etc/systemd/system/echo.socket", ECHO_SOCKET);
    await machine.write("/etc/systemd/system/echo@.service", ECHO_SERVICE);
    await machine.must(["systemctl", "daemon-reload"]);
    await machine.must(["systemctl", "start", "echo.socket"]);
    for (const [name, way] of Object.entries(WAYS)) {
      await Deno.copyFile(`${DIST}/${way.file}`, `${machine.root}/root/${way.file}`);
      await way.install(machine, `/root/${way.file}`);
      await becomesService(machine, name);
      await machine.must(["systemctl", "disable", "--now", UNIT]);
      await machine.must(way.uninstall);
      assert.equal((await machine.run(["test", "-e", way.program])).code, 1, name);
      assert.match(await ask(machine), /^no echo/, name);
      await machine.must(["rm", "-rf", "/etc/tls-off"]);
    }
  },
);

/** What install.sh and the documents say is next: a certificate, a check, a start, and a look at it. */
async function becomesService(machine: SystemdMachine, way: string): Promise<void> {
  assert.equal((await machine.show(UNIT, "ActiveState")).ActiveState, "inactive", way);
  assert.match(await machine.must(["tls-off", "version"]), /^tls-off /);
  await machine.must(["tls-off", "cert", "--out", "/etc/tls-off", "--host", "service.example"]);
  await machine.must(["sh", "-c", "chgrp tls-off /etc/tls-off/*.pem && chmod 0640 /etc/tls-off/key.pem"]);
  assert.match(await machine.must(["tls-off", "check", "/etc/tls-off/tls-off.toml"]), /configuration is valid/);
  await machine.must(["systemctl", "enable", "--now", UNIT]);
  assert.equal(await ask(machine), "service.example", way);

  const admin = async (path: string) => {
    const socket = `/proc/${machine.leader}/root/run/tls-off/admin.sock`;
    return (await runPeer("curl", ["-s", "--unix-socket", socket, `http://localhost${path}`])).text;
  };
  assert.equal(await admin("/readyz"), "ready\n");
  const checked = await runPeer("promtool", ["check", "metrics"], new TextEncoder().encode(await admin("/metrics")));
  assert.deepEqual([checked.code, checked.text + checked.errors], [0, ""]);
  assert.match(await machine.must(["journalctl", "-u", UNIT, "-o", "cat", "EVENT=ready"]), /ready/);
}

peerTest("the certbot hook leaves other certificates alone", [{ command: "sh", debian: "dash" }], async () => {
  const { code } = await runPeer("env", [
    "RENEWED_LINEAGE=/etc/letsencrypt/live/other",
    "TLS_OFF_LINEAGE=/etc/letsencrypt/live/mine",
    "TLS_OFF_DIRECTORY=/does/not/exist",
    `${DEPLOY}/certbot/tls-off.sh`,
  ]);
  assert.equal(code, 0);
});
