import assert from "node:assert/strict";
import { readAll, writeAll } from "../support/backend.ts";
import { patternBytes } from "../support/random.ts";
import { ownBinaries, withBareProgram } from "./support/binaries.ts";

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
}

for (const binary of ownBinaries()) {
  Deno.test(`${binary.name} is the whole program, in an empty directory without an environment`, async () => {
    await withBareProgram(binary, async ({ directory, command, run }) => {
      const version = await run(["version"]);
      assert.equal(version.code, 0, version.output);
      assert.match(version.output, /^tls-off \d+\.\d+\.\d+\nruntime (deno|bun) /);
      assert.ok(version.output.includes(`runtime ${binary.runtime} `), version.output);
      await tryDemo(command, directory);
      assert.equal((await run(["check", "nothing.toml"])).code, 1);
      assert.equal((await run(["chekc"])).code, 2);
      // No code cache, nothing of the demo's: what lies there could be somebody else's.
      assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name), []);
    });
  });

  Deno.test(`${binary.name} reads no file of the directory that it is started in`, async () => {
    await withBareProgram(binary, async ({ directory, run }) => {
      const preload = 'console.log("preloaded"); process.exit(9);\n';
      await Deno.writeTextFile(`${directory}/bunfig.toml`, 'preload = ["./preload.js"]\n');
      await Deno.writeTextFile(`${directory}/preload.js`, preload);
      await Deno.writeTextFile(`${directory}/.env`, "BUN_BE_BUN=1\n");
      await Deno.writeTextFile(`${directory}/deno.json`, '{ "imports": { "node:process": "./preload.js" } }\n');
      await Deno.writeTextFile(
        `${directory}/package.json`,
        '{ "type": "commonjs", "name": "tls-off", "version": "9.9.9" }\n',
      );
      const { code, output } = await run(["version"]);
      assert.equal(code, 0, output);
      assert.match(output, /^tls-off (?!9\.9\.9)/);
    });
  });
}
