/** What the program says where it cannot do what it was asked for: one line, and the right exit code. */
import assert from "node:assert/strict";
import { programCommand } from "../support/proxies/program.ts";
import { TempDir, testCertificate } from "../support/proxies/proxy.ts";
import { runPeer } from "../support/peers/peers.ts";
import { type Contender, runtimeCommand } from "../support/proxies/runtimes.ts";
import { floorTest, runtimesUnderTest } from "../support/proxies/under_test.ts";

const RUNTIMES: Contender["runtime"][] = ["deno", "bun", "node"];

/** A directory with a certificate, and a configuration of one listener and `more`. */
async function configured(dir: TempDir, more: string): Promise<string> {
  const { cert, key } = await testCertificate();
  Deno.writeTextFileSync(dir.file("cert.pem"), cert);
  Deno.writeTextFileSync(dir.file("key.pem"), key, { mode: 0o600 });
  const listener = 'listen = "127.0.0.1:0"\nbackend = "unix:app.sock"\ncert = "cert.pem"\nkey = "key.pem"\n';
  Deno.writeTextFileSync(dir.file("proxy.toml"), `workers = 1\n[[listener]]\n${listener}${more}`);
  return dir.file("proxy.toml");
}

async function run(command: string[], args: string[], stdin?: string) {
  const [file, ...rest] = [...command, ...args];
  const bytes = stdin === undefined ? undefined : new TextEncoder().encode(stdin);
  const { code, text, errors } = await runPeer(file, rest, bytes);
  return { code, text, errors };
}

for (const runtime of runtimesUnderTest(RUNTIMES)) {
  Deno.test(`an address that is taken is named with the key that asks for it (${runtime})`, async () => {
    using dir = new TempDir();
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = `127.0.0.1:${taken.addr.port}`;
    const command = await runtimeCommand(runtime);
    const admin = await run(command, [await configured(dir, `[admin]\nlisten = "${address}"\n`)]);
    assert.equal(admin.code, 1);
    assert.ok(
      admin.errors.includes(`Cannot listen on ${address} (admin.listen): address already in use`),
      admin.errors,
    );
    const flags = ["--backend", "localhost:1", "--cert", dir.file("cert.pem"), "--key", dir.file("key.pem")];
    const listener = await run(command, ["run", "--listen", address, "--workers", "1", ...flags]);
    assert.equal(listener.code, 1);
    assert.match(listener.errors, /Cannot listen on 127\.0\.0\.1:\d+ for listener .*: address already in use/);
  });

  Deno.test(`a host name that nobody knows is said to be the cause (${runtime})`, async () => {
    using dir = new TempDir();
    await configured(dir, "");
    const flags = ["--backend", "localhost:1", "--cert", dir.file("cert.pem"), "--key", dir.file("key.pem")];
    const { code, errors } = await run(await runtimeCommand(runtime), [
      ...["run", "--listen", "no-such-host.invalid:8443", "--workers", "1"],
      ...flags,
    ]);
    assert.equal(code, 1);
    assert.match(
      errors,
      /Cannot listen on no-such-host\.invalid:8443 .*the host name (is not known|cannot be resolved now)/,
    );
  });
}

floorTest("check finds a log file in a directory that is not there", async () => {
  using dir = new TempDir();
  const file = await configured(dir, '[log]\nfile = "missing/x.log"\n');
  const { code, errors } = await run(programCommand(), ["check", file]);
  assert.equal(code, 1);
  const missing = dir.file("missing");
  assert.equal(
    errors.trim(),
    `${file}:8:1: log.file: found "${missing}/x.log", must be in a directory that is there: "${missing}" is not`,
  );
});

floorTest("check reads standard input", async () => {
  using dir = new TempDir();
  const source = Deno.readTextFileSync(await configured(dir, "")).replace(
    'cert = "cert.pem"\nkey = "key.pem"',
    `cert = "${dir.file("cert.pem")}"\nkey = "${dir.file("key.pem")}"`,
  );
  const right = await run(programCommand(), ["check", "-"], source);
  assert.deepEqual([right.code, right.errors], [0, ""]);
  assert.match(right.text, /^-: configuration is valid$/m);
  const wrong = await run(programCommand(), ["check", "-"], `${source}nonsense = 1\n`);
  assert.equal(wrong.code, 1);
  assert.match(wrong.errors, /^-:7:1: listener\.nonsense: unknown key/);
});

Deno.test("flags that are missing are a wrong usage", async () => {
  const { code, errors } = await run(programCommand(), ["run", "--listen", ":8443", "--cert", "c", "--key", "k"]);
  assert.equal(code, 2);
  assert.match(errors, /^tls-off: Missing flag --backend of run/);
});

Deno.test("a flag without a command, and an admin endpoint that is not there, are told from one another", async () => {
  const mistyped = await run(programCommand(), ["--versoin"]);
  assert.deepEqual([mistyped.code, mistyped.errors], [
    2,
    'tls-off: Unknown flag "--versoin", did you mean "--version"?\n',
  ]);
  const flag = await run(programCommand(), ["--listen", ":8443"]);
  assert.deepEqual([flag.code, /^tls-off: No command before "--listen": write/.test(flag.errors)], [2, true]);
  using dir = new TempDir();
  const top = await run(programCommand(), ["top", "--admin", `unix:${dir.file("admin.sock")}`]);
  assert.equal(top.code, 1);
  assert.match(top.errors, /admin\.sock: file not found, is tls-off running with this address as admin\.listen\?\n$/);
});

Deno.test("completions come from the program itself", async () => {
  for (const [shell, begins] of [["bash", "# bash completion"], ["zsh", "#compdef tls-off"], ["fish", "# fish"]]) {
    const { code, text } = await run(programCommand(), ["completions", shell]);
    assert.equal(code, 0);
    assert.ok(text.startsWith(begins), shell);
  }
});
