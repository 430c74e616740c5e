import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { bunCompile, findBun } from "../../scripts/build/bun_binary.ts";
import { sha256 } from "../../scripts/build/checksums.ts";
import { denoCompile } from "../../scripts/build/deno_binary.ts";
import { findDenoCompiler } from "../../scripts/build/base/deno_compiler.ts";
import { findDenoBase } from "../../scripts/build/base/deno_base.ts";
import { testBaseEnvironment } from "../../scripts/build/base/fetch_base.ts";
import { runCommand } from "../../scripts/build/run_command.ts";
import { makeSplitBundle } from "../../scripts/build/split_bundle.ts";
import { sourceTime } from "../../scripts/build/source_time.ts";
import { type Target, TARGETS } from "../../scripts/build/target.ts";
import { ROOT } from "../../scripts/reference/inventory.ts";
import { standInBase } from "./support/stand_in_base.ts";

/**
 * Two folders, each with a bundle that was made in it, at the same time of the sources and another time of the clock.
 */
async function withBundles(use: (folders: string[]) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const folders = ["one", "another"].map((name) => `${directory}/${name}`);
    const time = await sourceTime(() => "1700000000");
    for (const folder of folders) {
      await Deno.mkdir(folder);
      const bundle = `${folder}/tls-off.mjs`;
      const { code, output } = await runCommand([Deno.execPath(), "run", "-A", `${ROOT}scripts/bundle.ts`, bundle]);
      assert.equal(code, 0, output);
      await Deno.utime(bundle, time, time);
      await makeSplitBundle(`${folder}/tls-off`, time);
    }
    await use(folders);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function sumsOf(folders: string[], name: string): Promise<Set<string>> {
  const files = folders.map((folder) => Deno.readFile(`${folder}/${name}`));
  return new Set(await Promise.all((await Promise.all(files)).map(sha256)));
}

/** The base that `deno task build:base` has brought; where it has not, the stand-in, which takes the same data. */
async function baseFor(target: Target, folder: string) {
  const settings = testBaseEnvironment();
  const isThere = await Deno.stat(settings.DENO_COMPILER).then(() => true, () => false);
  const compiler = await findDenoCompiler((name) => isThere ? settings[name] : undefined);
  if (isThere) return { compiler, base: await findDenoBase(target, (name) => settings[name], folder) };
  const path = `${folder}/base-${target.name}`;
  const program = standInBase(`tls-off ${manifest.version}\n`);
  program[18] = target.machine;
  await Deno.writeFile(path, program, { mode: 0o755 });
  return { compiler, base: { path, variable: "DENORT_BIN" } };
}

Deno.test("two builds make the same four binaries, to the byte, whatever the environment", async () => {
  await withBundles(async (folders) => {
    const bun = await findBun();
    assert.equal((await sumsOf(folders, "tls-off.mjs")).size, 1);
    for (const target of TARGETS) {
      const { compiler, base } = await baseFor(target, folders[0]);
      for (const [index, folder] of folders.entries()) {
        const bundle = `${folder}/tls-off.mjs`;
        await bunCompile(bun, bundle, `${folder}/tls-off-bun-linux-${target.name}`, target);
        const environment = { ...Deno.env.toObject(), ...(index === 1 ? { OTEL_DENO: "true", A: "1" } : {}) };
        const output = `${folder}/tls-off-linux-${target.name}`;
        const { code, output: said } = await denoCompile(
          compiler,
          `${folder}/tls-off`,
          output,
          target,
          base,
          environment,
        );
        assert.equal(code, 0, said);
      }
      for (const name of ["tls-off-bun-linux", "tls-off-linux"]) {
        assert.equal((await sumsOf(folders, `${name}-${target.name}`)).size, 1, `${name}-${target.name}`);
      }
    }
  });
});

Deno.test("sourceTime() is SOURCE_DATE_EPOCH, else the last commit's", async () => {
  assert.equal((await sourceTime(() => "1700000000")).toISOString(), "2023-11-14T22:13:20.000Z");
  await assert.rejects(sourceTime(() => "yesterday"), {
    name: "BuildError",
    message: /SOURCE_DATE_EPOCH="yesterday": must be seconds/,
  });
  const { code, output } = await runCommand(["git", "log", "-1", "--format=%cI"], { cwd: ROOT });
  if (code === 0) assert.equal((await sourceTime(() => undefined)).getTime(), Date.parse(output.trim()));
});
