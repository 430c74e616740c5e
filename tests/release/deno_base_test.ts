import assert from "node:assert/strict";
import { cutBase } from "../../scripts/build/base/cut_base.ts";
import { findDenoBase } from "../../scripts/build/base/deno_base.ts";
import { denoCompile } from "../../scripts/build/deno_binary.ts";
import { findDenoCompiler, pinnedDeno } from "../../scripts/build/base/deno_compiler.ts";
import { E_MACHINE, readElf } from "../../scripts/build/base/elf.ts";
import { PROGRAM_FILE } from "../../scripts/build/split_bundle.ts";
import { type Target, TARGETS } from "../../scripts/build/target.ts";
import { DENO_VERSION } from "../../scripts/build/versions.ts";
import { standInBase, standInProgram } from "./support/stand_in_base.ts";

const [X64, ARM64] = TARGETS;

async function withDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const cut = (file: Uint8Array<ArrayBuffer>) => cutBase(file, readElf(file)!);

Deno.test("cutBase() leaves denort as it is, and cuts it out of a program of Deno 2.7", () => {
  const base = standInBase("x");
  assert.deepEqual(cut(base), { bytes: base, wasCut: false });
  assert.deepEqual(cut(standInProgram(base)), { bytes: base, wasCut: true });
});

Deno.test("cutBase() cuts the base out of what this Deno's compile makes, to the byte", async () => {
  await withDirectory(async (directory) => {
    const base = standInBase("what it says");
    await Deno.writeFile(`${directory}/base`, base, { mode: 0o755 });
    await Deno.mkdir(`${directory}/parts`);
    await Deno.writeTextFile(`${directory}/parts/${PROGRAM_FILE}`, "console.log(1);\n");
    const { code, output } = await denoCompile(
      await findDenoCompiler(() => undefined),
      `${directory}/parts`,
      `${directory}/program`,
      X64,
      { path: `${directory}/base`, variable: "DENORT_BIN" },
    );
    assert.equal(code, 0, output);
    const program = await Deno.readFile(`${directory}/program`);
    assert.notEqual(program.length, base.length);
    assert.deepEqual(cut(program), { bytes: base, wasCut: true });
  });
});

Deno.test("cutBase() says what a file is instead", async () => {
  const base = standInBase("x");
  const withText = (text: string) => standInBase(`x${text}`);
  const foreign = standInBase("x");
  new TextEncoder().encodeInto("D3N0L4ND", foreign.subarray(foreign.length - 3 * 64 - 16));
  for (let at = 0; at < foreign.length - 8; at++) {
    if (new TextDecoder().decode(foreign.subarray(at, at + 8)) === "d3n0l4nd") foreign[at] = 0;
  }
  const behind = new Uint8Array(base.length + 3);
  behind.set(base);
  const wrong: [Uint8Array<ArrayBuffer>, RegExp][] = [
    [base.slice(0, -1), /it is truncated: \d+ bytes, while its section headers end at \d+$/],
    [behind, /it has 3 bytes behind its section headers that deno compile did not write/],
    [withText("/deno/cli/args/flags.rs"), /it is the deno command/],
    [foreign, /it is neither denort nor a program that deno compile made/],
    [await Deno.readFile("/bin/true"), /it is neither denort nor a program/],
  ];
  for (const [file, message] of wrong) assert.throws(() => cut(file), message);
});

Deno.test("the deno command is refused as a base, as it is", async () => {
  await assert.rejects(
    findDenoBase(X64, (name) => name === "DENORT_BIN_X64" ? Deno.execPath() : undefined, "/nowhere"),
    { name: "BuildError", message: /DENORT_BIN_X64=".*": it is (the deno command|for arm64)/ },
  );
});

Deno.test("findDenoBase() takes one variable for each machine, a pattern, or a file by what it is for", async () => {
  await withDirectory(async (directory) => {
    const x64 = `${directory}/denort-${X64.denoTarget}`;
    const arm64 = `${directory}/denort-${ARM64.denoTarget}`;
    const program = `${directory}/program`;
    const base = standInBase("x");
    await Deno.writeFile(x64, base);
    await Deno.writeFile(program, standInProgram(base));
    const other = base.slice();
    other[E_MACHINE] = ARM64.machine;
    await Deno.writeFile(arm64, other);
    await Deno.writeTextFile(`${directory}/text`, "#!/bin/sh\necho tls-off\n");
    await Deno.mkdir(`${directory}/cut`);
    const find = (target: Target, variables: Record<string, string>) =>
      findDenoBase(target, (name) => variables[name], `${directory}/cut`);
    assert.equal(await find(X64, {}), null);
    assert.deepEqual(await find(X64, { DENORT_BIN_X64: x64 }), { path: x64, variable: "DENORT_BIN_X64" });
    assert.equal(await find(ARM64, { DENORT_BIN_X64: x64 }), null);
    const pattern = { DENORT_BIN: `${directory}/denort-{target}` };
    assert.equal((await find(X64, pattern))?.path, x64);
    assert.equal((await find(ARM64, pattern))?.path, arm64);
    assert.equal((await find(ARM64, { DENORT_BIN: arm64 }))?.path, arm64);
    assert.equal(await find(X64, { DENORT_BIN: arm64 }), null);
    for (const variable of ["DENORT_BIN_X64", "DENORT_BIN"]) {
      const found = await find(X64, { [variable]: program });
      assert.deepEqual([found?.variable, found?.cutFrom], [variable, program]);
      assert.deepEqual(await Deno.readFile(found!.path), base);
    }
    const wrong: [Record<string, string>, RegExp][] = [
      [{ DENORT_BIN_ARM64: x64 }, /DENORT_BIN_ARM64=".*": it is for x64, must be denort for aarch64/],
      [{ DENORT_BIN_ARM64: `${directory}/text` }, /it is no Linux program/],
      [{ DENORT_BIN: `${directory}/text` }, /it is no Linux program/],
      [{ DENORT_BIN_ARM64: `${directory}/none` }, /No such file/],
      [{ DENORT_BIN: `${directory}/none` }, /No such file/],
    ];
    for (const [variables, message] of wrong) {
      await assert.rejects(find(ARM64, variables), { name: "BuildError", message });
    }
  });
});

Deno.test("findDenoCompiler() takes the Deno that runs the build, or DENO_COMPILER, and asks it what it can", async () => {
  const own = await findDenoCompiler(() => undefined);
  assert.deepEqual(own, { path: Deno.execPath(), version: Deno.version.deno, takesAppName: true });
  await withDirectory(async (directory) => {
    const stub = async (name: string, text: string) => {
      await Deno.writeTextFile(`${directory}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      return findDenoCompiler((variable) => variable === "DENO_COMPILER" ? `${directory}/${name}` : undefined);
    };
    const older = await stub(
      "older",
      `case $1 in --version) echo "deno 2.7.14 (stable)" ;; *) echo "--output" ;; esac`,
    );
    assert.deepEqual([older.version, older.takesAppName], ["2.7.14", false]);
    await assert.rejects(stub("node", "echo v20.0.0"), /DENO_COMPILER=".*node": it is not the deno command/);
    await assert.rejects(stub("broken", "echo broken >&2; exit 3"), /"--version" ended with 3: broken/);
  });
  await assert.rejects(findDenoCompiler(() => "/nowhere/deno"), /DENO_COMPILER="\/nowhere\/deno": .*ended with -1/);
});

Deno.test("the bundle is made by the pinned Deno, whichever runs the build", () => {
  assert.deepEqual(pinnedDeno(DENO_VERSION), [Deno.execPath()]);
  assert.deepEqual(pinnedDeno("2.7.14"), ["npx", "-y", `deno@${DENO_VERSION}`]);
});
