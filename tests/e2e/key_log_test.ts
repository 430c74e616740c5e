import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { allowedEnvironment, startCommand } from "../../scripts/start_task.ts";
import { judgeKeyLog } from "../../src/runtimes/key_log.ts";
import { Program, runProgram, sourceCommand } from "../support/proxies/program.ts";
import { Backend, echo } from "../support/applications/backend.ts";
import { TempDir, testCertificate } from "../support/proxies/proxy.ts";

const VARIABLE = "SSLKEYLOGFILE";

/** The flags of a listener in `dir`, for the runtime that honours the variable. */
async function listenerFlags(dir: TempDir): Promise<string[]> {
  const { cert, key } = await testCertificate();
  Deno.writeTextFileSync(dir.file("cert.pem"), cert);
  Deno.writeTextFileSync(dir.file("key.pem"), key, { mode: 0o600 });
  const files = ["--cert", dir.file("cert.pem"), "--key", dir.file("key.pem")];
  const rest = ["--workers", "1", "--log-format", "json"];
  return ["run", "--listen", "127.0.0.1:0", "--backend", `unix:${dir.file("app.sock")}`, ...files, ...rest];
}

Deno.test("run and demo refuse SSLKEYLOGFILE in one line, with the permissions that the program ships with", async () => {
  using dir = new TempDir();
  const path = dir.file("secrets.log");
  for (const args of [await listenerFlags(dir), ["demo", "--port", "0"]]) {
    const { code, complaints, records, stdout } = await runProgram(args, {
      command: sourceCommand("src/main.ts"),
      env: { [VARIABLE]: path },
    });
    assert.equal(code, 1);
    assert.equal(complaints.length, 1, complaints.join("\n"));
    assert.match(complaints[0], /^tls-off: SSLKEYLOGFILE is set, .*secrets\.log": unset it, or give --allow-key-log$/);
    assert.deepEqual(records, []);
    assert.equal(stdout, "");
  }
});

Deno.test("--allow-key-log starts with a warning, and Deno then writes what the warning says", async () => {
  using dir = new TempDir();
  const path = dir.file("secrets.log");
  await using _app = new Backend(dir.file("app.sock"), echo);
  await using program = new Program([...await listenerFlags(dir), "--allow-key-log"], {
    command: sourceCommand("src/main.ts"),
    env: { [VARIABLE]: path },
  });
  const warning = await program.record(({ event }) => event === "configuration");
  assert.equal(warning.level, "warn");
  assert.match(warning.msg, /SSLKEYLOGFILE is set, so Deno writes every connection's secrets to ".*secrets\.log"/);
  const { address } = await program.record(({ event }) => event === "listening");
  await program.record(({ event }) => event === "ready");
  const port = Number(String(address).split(":").at(-1));
  const caCerts = [Deno.readTextFileSync(dir.file("cert.pem"))];
  const conn = await Deno.connectTls({ hostname: "localhost", port, caCerts });
  await conn.handshake();
  conn.close();
  // If the runtime no longer does this, there is no reason to refuse the variable any more.
  assert.match(Deno.readTextFileSync(path), /SERVER_TRAFFIC_SECRET_0/);
  program.signal("SIGTERM");
  assert.equal(await program.exit(), 0);
});

Deno.test("check says that a start would be refused", async () => {
  using dir = new TempDir();
  await listenerFlags(dir);
  const file = dir.file("proxy.toml");
  Deno.writeTextFileSync(
    file,
    '[[listener]]\nlisten = "127.0.0.1:0"\nbackend = "unix:app.sock"\ncert = "cert.pem"\nkey = "key.pem"\n',
  );
  const { code, complaints } = await runProgram(["check", file], {
    command: sourceCommand("src/main.ts"),
    env: { [VARIABLE]: dir.file("secrets.log") },
  });
  assert.equal(code, 0);
  assert.match(complaints.join("\n"), /SSLKEYLOGFILE is set/);
});

Deno.test("every task that runs the program may read SSLKEYLOGFILE", () => {
  assert.ok(allowedEnvironment(startCommand()).includes(VARIABLE));
  assert.equal(manifest.tasks.demo.command, "deno task --quiet start demo");
});

Deno.test("judgeKeyLog() refuses what is set, warns of what it may not know, and says nothing without either", () => {
  assert.deepEqual(judgeKeyLog(null, false), { refusal: null, warning: null });
  assert.deepEqual(judgeKeyLog(null, true), { refusal: null, warning: null });
  assert.match(judgeKeyLog({ path: "/a\nb" }, false).refusal!, /"\/a\\nb": unset it/);
  assert.equal(judgeKeyLog({ path: "/a" }, true).refusal, null);
  assert.match(judgeKeyLog({ path: "/a" }, true).warning!, /"\/a"/);
  assert.equal(judgeKeyLog("unreadable", false).refusal, null);
  assert.match(judgeKeyLog("unreadable", false).warning!, /add SSLKEYLOGFILE to --allow-env/);
});
