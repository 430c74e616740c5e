/**
 * What the binaries make of variables that the program itself does not read: scripts/deploy/README.md tells the same.
 */
import assert from "node:assert/strict";
import { RunningDemo } from "./support/running_demo.ts";
import { type BareProgram, ownBinaries, withBareProgram } from "./support/binaries.ts";

/** A module that ends whatever runs it. */
async function writePreload(directory: string): Promise<string> {
  const file = `${directory}/preload.cjs`;
  await Deno.writeTextFile(file, "process.exit(9);\n");
  return file;
}

async function mustNotHeed({ run }: BareProgram, env: Record<string, string>): Promise<void> {
  const { code, output } = await run(["version"], env);
  assert.equal(code, 0, output);
  assert.match(output, /^tls-off \d/);
}

for (const binary of ownBinaries()) {
  const { name } = binary;

  Deno.test(`${name} runs no code that NODE_OPTIONS, DENO_DIR, NODE_PATH or OTEL_DENO names`, async () => {
    await withBareProgram(binary, async (program) => {
      const preload = await writePreload(program.directory);
      await mustNotHeed(program, { NODE_OPTIONS: `--require=${preload} --import=file://${preload}` });
      await mustNotHeed(program, { NODE_PATH: program.directory, DENO_DIR: program.directory, OTEL_DENO: "true" });
    });
  });

  if (binary.runtime === "deno") {
    Deno.test(`${name} refuses SSLKEYLOGFILE, which Deno honours, unless --allow-key-log is given`, async () => {
      await withBareProgram(binary, async ({ directory, run }) => {
        const file = `${directory}/secrets.log`;
        const args = [
          "run",
          "--listen",
          "127.0.0.1:0",
          "--backend",
          "unix:app.sock",
          "--cert",
          "c.pem",
          "--key",
          "k.pem",
        ];
        for (const command of [args, ["demo", "--port", "0"]]) {
          const { code, output } = await run(command, { SSLKEYLOGFILE: file });
          assert.equal(code, 1, output);
          assert.match(output, /^tls-off: SSLKEYLOGFILE is set, .*: unset it, or give --allow-key-log\n$/);
        }
        // With the flag it is the files that are missing.
        const { code, output } = await run([...args, "--allow-key-log"], { SSLKEYLOGFILE: file });
        assert.equal(code, 1);
        assert.match(output, /c\.pem/);
      });
    });

    Deno.test(`${name} dies of a bad DENO_TOKIO_MAX_IO_EVENTS_PER_TICK before the program gets to run`, async () => {
      await withBareProgram(binary, async ({ run }) => {
        const { code, output } = await run(["version"], { DENO_TOKIO_MAX_IO_EVENTS_PER_TICK: "x" });
        assert.notEqual(code, 0);
        assert.match(output, /panicked at .*ParseIntError/s);
        assert.doesNotMatch(output, /^tls-off/m);
      });
    });
  } else {
    Deno.test(`${name} writes no secrets where SSLKEYLOGFILE says`, async () => {
      await withBareProgram(binary, async ({ directory, command }) => {
        const file = `${directory}/secrets.log`;
        await using demo = await RunningDemo.start(command, directory, { SSLKEYLOGFILE: file });
        assert.equal(await demo.echo("hello"), "hello");
        assert.equal(await demo.stop(), 0);
        await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
      });
    });

    Deno.test(`${name} is Bun itself with BUN_BE_BUN, and runs what BUN_OPTIONS names: no capability may be on it`, async () => {
      await withBareProgram(binary, async ({ directory, run }) => {
        const bun = await run(["--version"], { BUN_BE_BUN: "1" });
        assert.match(bun.output, /^\d+\.\d+\.\d+/);
        const preload = await writePreload(directory);
        assert.equal((await run(["version"], { BUN_OPTIONS: `--preload ${preload}` })).code, 9);
      });
    });
  }
}
