import assert from "node:assert/strict";
import { patternBytes } from "../support/random.ts";
import { ownBinaries, withBareProgram } from "./support/binaries.ts";
import { RunningDemo } from "./support/running_demo.ts";

for (const binary of ownBinaries()) {
  Deno.test(`${binary.name} is the whole program, in an empty directory without an environment`, async () => {
    await withBareProgram(binary, async ({ directory, command, run }) => {
      const version = await run(["version"]);
      assert.equal(version.code, 0, version.output);
      assert.match(version.output, /^tls-off \d+\.\d+\.\d+\nruntime (deno|bun) /);
      assert.ok(version.output.includes(`runtime ${binary.runtime} `), version.output);
      await using demo = await RunningDemo.start(command, directory);
      const body = patternBytes(1_000_000);
      assert.deepEqual(await demo.exchange(body), body);
      assert.equal(await demo.stop(), 0);
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
