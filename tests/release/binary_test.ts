import assert from "node:assert/strict";
import { buildBunBinary, findBun } from "../../scripts/build/bun_binary.ts";
import { runCommand } from "../../scripts/build/run_command.ts";
import { HOST, type Target, TARGETS } from "../../scripts/build/target.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { readAll, writeAll } from "../support/backend.ts";
import { type Peer, peerTest } from "../support/peers.ts";
import { patternBytes } from "../support/random.ts";

const made = await Deno.makeTempDir();
addEventListener("unload", () => Deno.removeSync(made, { recursive: true }));
const bundle = `${made}/tls-off.mjs`;
let bundling: Promise<unknown> | undefined;

const binaries = new Map<string, Promise<string>>();

/** The binary for a target, made once. */
function makeBinary(target: Target): Promise<string> {
  let making = binaries.get(target.name);
  if (making === undefined) binaries.set(target.name, making = build(target));
  return making;
}

async function build(target: Target): Promise<string> {
  await (bundling ??= runCommand([Deno.execPath(), "run", "-A", `${ROOT}scripts/bundle.ts`, bundle]));
  const path = `${made}/tls-off-bun-linux-${target.name}`;
  await buildBunBinary(await findBun(), bundle, path, target);
  return path;
}

/** An empty directory, and the program in it without an environment: no Deno and no Bun on the PATH. */
async function withBinary(
  target: Target,
  use: (
    program: { directory: string; command: string[]; run: (...args: string[]) => ReturnType<typeof runCommand> },
  ) => Promise<void>,
): Promise<void> {
  const binary = await makeBinary(target);
  const command = target.name === HOST ? [binary] : [...target.emulator, binary];
  const directory = await Deno.makeTempDir();
  try {
    const run = (...args: string[]) => runCommand([...command, ...args], { cwd: directory, clearEnv: true });
    await use({ directory, command, run });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Runs the demo, and sends it a body. */
async function tryDemo([file, ...args]: string[], directory: string): Promise<void> {
  const demo = new Deno.Command(file, {
    args: [...args, "demo", "--port", "0"],
    cwd: directory,
    clearEnv: true,
    env: { TMPDIR: directory },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const ended = demo.status;
  let said = "";
  for await (const chunk of demo.stdout.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    if (said.includes("--cacert")) break;
  }
  const [, ca, port] = /--cacert (\S+) https:\/\/localhost:(\d+)\//.exec(said) ?? [];
  assert.ok(ca, said);
  const body = patternBytes(1_000_000);
  const caCerts = [await Deno.readTextFile(ca)];
  const conn = await Deno.connectTls({ hostname: "localhost", port: Number(port), caCerts });
  const head = `POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
  const writing = writeAll(conn, new TextEncoder().encode(head)).then(() => writeAll(conn, body));
  const [answer] = await Promise.all([readAll(conn), writing]);
  conn.close();
  assert.deepEqual(answer.subarray(answer.length - body.length), body);
  demo.kill("SIGINT");
  assert.equal((await ended).code, 0);
  assert.deepEqual(
    [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) => name.includes("demo")),
    [],
  );
}

async function tryEverything(target: Target): Promise<void> {
  await withBinary(target, async ({ directory, command, run }) => {
    const version = await run("version");
    assert.equal(version.code, 0, version.output);
    assert.match(version.output, /^tls-off \d+\.\d+\.\d+\nruntime bun /);
    assert.equal((await run("cert", "--out", "made")).code, 0);
    await Deno.writeTextFile(
      `${directory}/proxy.toml`,
      '[[listener]]\nlisten = "127.0.0.1:0"\nbackend = "unix:app.sock"\ncert = "made/cert.pem"\nkey = "made/key.pem"\n',
    );
    const check = await run("check", "proxy.toml");
    assert.equal(check.code, 0, check.output);
    assert.match(check.output, /configuration is valid/);
    await tryDemo(command, directory);
  });
}

const [X64, ARM64] = TARGETS;
const OWN = HOST === "x64" ? X64 : ARM64;
const OTHER = HOST === "x64" ? ARM64 : X64;
const QEMU: Peer[] = [{ command: OTHER.emulator[0], debian: "qemu-user-static" }];

Deno.test("the binary is the whole program, in an empty directory without an environment", async () => {
  await tryEverything(OWN);
  await withBinary(OWN, async ({ run }) => {
    assert.equal((await run("check", "nothing.toml")).code, 1);
    assert.equal((await run("chekc")).code, 2);
  });
});

Deno.test("the binary reads no .env and no bunfig.toml of the directory that it is started in", async () => {
  await withBinary(OWN, async ({ directory, run }) => {
    await Deno.writeTextFile(`${directory}/bunfig.toml`, 'preload = ["./preload.js"]\n');
    await Deno.writeTextFile(`${directory}/preload.js`, 'console.log("preloaded"); process.exit(9);\n');
    await Deno.writeTextFile(`${directory}/.env`, "BUN_BE_BUN=1\n");
    await Deno.writeTextFile(
      `${directory}/package.json`,
      '{ "type": "commonjs", "name": "tls-off", "version": "9.9.9" }\n',
    );
    const { code, output } = await run("version");
    assert.equal(code, 0, output);
    assert.match(output, /^tls-off (?!9\.9\.9)/);
  });
});

peerTest(`the binary for ${OTHER.name} is the whole program, too`, QEMU, async () => {
  await tryEverything(OTHER);
});
