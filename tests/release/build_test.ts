import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { bunBuildCommand } from "../../scripts/build/bun_binary.ts";
import { BuildError, MissingBaseError } from "../../scripts/build/build_error.ts";
import { writeChecksums } from "../../scripts/build/checksums.ts";
import {
  buildDenoBinary,
  compileError,
  denoCompile,
  denoCompileCommand,
  shippedFlags,
} from "../../scripts/build/deno_binary.ts";
import { bundledPackages, collectLicences } from "../../scripts/build/packages/licences.ts";
import { runCommand } from "../../scripts/build/run_command.ts";
import { makeSplitBundle, PROGRAM_FILE } from "../../scripts/build/split_bundle.ts";
import { HOST, TARGETS } from "../../scripts/build/target.ts";
import { DENO_VERSION } from "../../scripts/build/versions.ts";
import { readSources, ROOT } from "../../scripts/reference/inventory.ts";
import { standInBase } from "./support/stand_in_base.ts";

const [X64, ARM64] = TARGETS;
const COMPILER = { path: Deno.execPath(), version: Deno.version.deno, takesAppName: true };
const VERSION_TEXT = `tls-off ${manifest.version}\nruntime deno ${Deno.version.deno}\nengines native, node\n`;

/** A directory with the bundle in several files in it, as the Deno binary has it. */
async function withSplitBundle(
  use: (directory: string, bundle: string) => Promise<void>,
  readable = false,
): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const bundle = `${directory}/tls-off`;
    await makeSplitBundle(bundle, new Date(0), readable);
    await use(directory, bundle);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** A directory with the bundle in it, as the build begins. */
async function withBundle(use: (directory: string, bundle: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    const bundle = `${directory}/tls-off.mjs`;
    const { code, output } = await runCommand([Deno.execPath(), "run", "-A", `${ROOT}scripts/bundle.ts`, bundle]);
    assert.equal(code, 0, output);
    await use(directory, bundle);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const SETTING = "DENO_TOKIO_MAX_IO_EVENTS_PER_TICK=64";
const LOCK = "--lock=src/deno.lock --frozen";

Deno.test("shippedFlags() are those of the start task, and refuse a task of another form", () => {
  const flags = shippedFlags();
  assert.ok(flags.includes("--allow-net") && flags.includes("--no-prompt"));
  assert.equal(`${SETTING} deno run ${LOCK} ${flags.join(" ")} src/main.ts`, manifest.tasks.start.command);
  for (
    const command of ["deno run src/other.ts", "node src/main.ts", "A=1 node src/main.ts", "deno run -A src/main.ts"]
  ) {
    assert.throws(() => shippedFlags(command), BuildError);
  }
});

Deno.test("the Deno binary gets no permission that the program does not need", () => {
  const command = denoCompileCommand(COMPILER, "b.mjs", "/o", X64).join(" ");
  assert.doesNotMatch(command, / -A\b|--allow-(all|run|sys|import)|--allow-(env|ffi)( |$)/);
  assert.match(command, / --target=x86_64-unknown-linux-gnu /);
  // A file of the temporary folder would be run as code.
  assert.match(command, / --no-code-cache /);
  assert.match(command, / --app-name=tls-off /);
  const older = denoCompileCommand({ ...COMPILER, takesAppName: false }, "b.mjs", "/o", X64);
  assert.ok(!older.some((argument) => argument.startsWith("--app-name")));
});

Deno.test("the Bun binary reads no .env and no bunfig.toml, and collects garbage often", () => {
  const args = bunBuildCommand(["bun"], "b.mjs", "o", ARM64);
  const own = ["--no-compile-autoload-dotenv", "--no-compile-autoload-bunfig", "--compile-exec-argv=--smol"];
  for (const flag of [...own, "--target=bun-linux-arm64"]) {
    assert.ok(args.includes(flag), flag);
  }
});

Deno.test("compileError() says that the base is missing, where from, and which variable names one", () => {
  const said = `Download https://dl.deno.land/release/v9/denort-x86_64-unknown-linux-gnu.zip
error: Writing deno compile executable to temporary file '/dist/tls-off-linux-x64.tmp-b0d8'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (https://dl.deno.land/release/v9/denort-x86_64-unknown-linux-gnu.zip): dns error`;
  const missing = compileError(COMPILER, "tls-off-linux-x64", X64, null, said);
  assert.ok(missing instanceof MissingBaseError);
  assert.match(
    missing.message,
    /^Cannot make tls-off-linux-x64: .*denort.*x86_64.*https:\/\/dl\.deno\.land\/\S+zip cannot be reached: set DENORT_BIN_X64$/,
  );
  const other = compileError(COMPILER, "tls-off-linux-x64", X64, null, "error: Module not found");
  assert.ok(!(other instanceof MissingBaseError));
  assert.match(other.message, /deno compile: error: Module not found/);
});

Deno.test("deno compile embeds the bundle alone, with the permissions of the start task", async () => {
  await withSplitBundle(async (directory, bundle) => {
    const base = `${directory}/base`;
    const product = `${directory}/tls-off-linux-x64`;
    await Deno.writeFile(base, standInBase(VERSION_TEXT), { mode: 0o755 });
    const { code, output } = await denoCompile(COMPILER, bundle, product, X64, { path: base, variable: "DENORT_BIN" });
    assert.equal(code, 0, output);
    const listed = [...output.matchAll(/[├└]── (\S+)/g)].map(([, name]) => name);
    assert.deepEqual(listed.sort(), [...Deno.readDirSync(bundle)].map(({ name }) => name).sort());
    const [embedded] = /\{"argv":.*?"entrypoint_key":"main\.js".*?\}\n?/.exec(await Deno.readTextFile(product)) ??
      [];
    assert.ok(embedded, "metadata of deno compile");
    const env = /--allow-env=(\S+)/.exec(manifest.tasks.start.command)![1].split(",");
    assert.ok(embedded.includes(`"allow_env":${JSON.stringify(env)}`));
    assert.ok(embedded.includes('"allow_run":null') && embedded.includes('"allow_sys":null'));
    assert.ok(embedded.includes('"prompt":false') && embedded.includes('"features":["net"]'));
    assert.ok(embedded.includes("--max-semi-space-size="));
    assert.ok(embedded.includes("--single-threaded-gc"));
  });
});

Deno.test("the bundle has every module of the program, and nothing of tests, keys or this machine", async () => {
  await withBundle(async (_directory, bundle) => {
    const text = await Deno.readTextFile(bundle);
    const present = new Set([...text.matchAll(/^\/\/ (src\/\S+)$/gm)].map(([, path]) => path));
    // What is imported only when it is needed would be missed only then.
    let late = 0;
    for (const [path, source] of readSources()) {
      for (const [, target] of source.matchAll(/\bimport\("(\.[^"]+)"\)/g)) {
        const module = new URL(target, `file://${path}`).pathname.slice(ROOT.length);
        assert.ok(present.has(module), module);
        late++;
      }
    }
    assert.ok(late > 3 && present.size > 100);
    assert.doesNotMatch(text, /^\/\/ tests\//m);
    assert.ok(!text.includes(ROOT), "this machine's paths");
    assert.doesNotMatch(text, /-----BEGIN [A-Z ]*KEY-----\\n[A-Za-z0-9+/]{40}/);
  });
});

Deno.test({
  name: "buildDenoBinary() runs what it made: a base that is not denort is refused, and leaves nothing behind",
  ignore: HOST !== "x64",
  async fn() {
    await withSplitBundle(async (directory, bundle) => {
      const product = `${directory}/tls-off-linux-x64`;
      const build = async (base: string) => {
        return await buildDenoBinary(COMPILER, bundle, product, X64, { path: base, variable: "DENORT_BIN_X64" });
      };
      const base = `${directory}/base`;
      const says = async (text: string) => {
        await Deno.writeFile(base, standInBase(text), { mode: 0o755 });
        return base;
      };
      assert.equal(await build(await says(VERSION_TEXT)), `deno ${Deno.version.deno}`);
      assert.ok((await Deno.stat(product)).isFile);
      const wrong: [string, RegExp][] = [
        [
          await Deno.realPath(Deno.execPath()),
          /DENORT_BIN_X64=".*deno.*": what it makes is not tls-off, .*denort of Deno/,
        ],
        [await says("hello\n"), /what it makes is not tls-off, it ended with 0: hello/],
        [await says(VERSION_TEXT.replace(Deno.version.deno, "2.0.0")), /it runs on deno 2\.0\.0/],
        [await says(VERSION_TEXT.replace(manifest.version, "9.9.9")), /it is version 9\.9\.9/],
      ];
      // In turn: the stand-in is one file.
      for (const [index, [path, message]] of wrong.entries()) {
        if (index === 1) await says("hello\n");
        if (index === 2) await says(VERSION_TEXT.replace(Deno.version.deno, "2.0.0"));
        if (index === 3) await says(VERSION_TEXT.replace(manifest.version, "9.9.9"));
        await assert.rejects(build(path), { name: "BuildError", message });
        await assert.rejects(Deno.stat(product), Deno.errors.NotFound);
      }
    });
  },
});

Deno.test("collectLicences() has the licence of every package in the bundle", async () => {
  await withBundle(async (_directory, bundle) => {
    const text = await Deno.readTextFile(bundle);
    const packages = bundledPackages(text);
    assert.ok(["@peculiar/x509 ", "uplot "].every((name) => packages.some((title) => title.startsWith(name))));
    const licences = await collectLicences(text);
    for (const title of packages) assert.ok(licences.includes(`${title}\n===`), title);
    await assert.rejects(
      collectLicences("// npm:none-of-this-name/1.0.0/x.js\n"),
      /Cannot find the licence of none-of/,
    );
  });
});

Deno.test("writeChecksums() writes what sha256sum --check reads", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${directory}/b`, "two");
    await Deno.writeTextFile(`${directory}/a`, "one");
    await writeChecksums(directory, ["b", "a"]);
    const check = async () => await runCommand(["sha256sum", "--strict", "--check", "SHA256SUMS"], { cwd: directory });
    assert.deepEqual(await check(), { code: 0, output: "a: OK\nb: OK\n" });
    await Deno.writeTextFile(`${directory}/a`, "other");
    assert.notEqual((await check()).code, 0);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("every file that names the Deno to build and test with names the pinned one", () => {
  const files = [".ci/run", ".github/workflows/test.yml", ".github/workflows/release.yml", "README.md"];
  for (const file of files) {
    const named = [
      ...Deno.readTextFileSync(`${ROOT}${file}`).matchAll(/(?:deno@|(?:deno-version|DENO_VERSION): )(\d[\d.]*)/g),
    ];
    assert.ok(named.length > 0, file);
    for (const [text, version] of named) assert.equal(version, DENO_VERSION, `${file}: ${text}`);
  }
});

/** What a part of the readable bundle loads before its own first line runs, itself included, as one text. */
function loadedWith(bundle: string, entries: string[]): string {
  const read = (name: string) => Deno.readTextFileSync(`${bundle}/${name}`);
  const loaded = new Set(entries);
  for (const name of loaded) {
    for (const [, part] of read(name).matchAll(/^(?:import|\} from|.*\bfrom) ?"\.\/([^"]+)";$/gm)) loaded.add(part);
  }
  return [...loaded].map(read).join("\n");
}

/** The sources and packages that must be in a text of {@linkcode loadedWith}, and those that must not. */
function assertLoads(text: string, { present, absent, most }: { present: string; absent: string[]; most: number }) {
  assert.ok(text.includes(`// ${present}\n`), present);
  for (const each of absent) assert.ok(!text.includes(`// ${each}`), each);
  assert.ok(text.length < most, `${text.length} characters`);
}

Deno.test("a worker of the Deno binary loads no parser of configurations, no certificates library, no page", async () => {
  await withSplitBundle((_directory, bundle) => {
    const main = Deno.readTextFileSync(`${bundle}/${PROGRAM_FILE}`);
    const [, entry] = /import\("\.\/(part_\d+\.js)"\)/.exec(main) ?? [];
    assert.match(Deno.readTextFileSync(`${bundle}/${entry}`), /^\/\/ src\/supervisor\/(\w+\/)*worker_thread\.ts$/m);
    assertLoads(loadedWith(bundle, [PROGRAM_FILE, entry]), {
      present: "src/proxy/session.ts",
      absent: [
        ...["src/config/schema/schema.ts", "src/admin/", "src/cli/", "src/acme/"],
        ...["src/tls/verify/path.ts", "src/tls/certificates/certificates.ts"],
        ...["npm:smol-toml", "npm:@peculiar", "npm:prom-"],
      ],
      most: 200_000,
    });
    return Promise.resolve();
  }, true);
});

Deno.test("the main thread of the Deno binary loads neither what serves connections nor what a configuration may not ask for", async () => {
  await withSplitBundle((_directory, bundle) => {
    const parts = [...Deno.readDirSync(bundle)].map(({ name }) => name);
    const run = parts.find((name) => /^\/\/ src\/cli\/run\.ts$/m.test(Deno.readTextFileSync(`${bundle}/${name}`)));
    assertLoads(loadedWith(bundle, [run!]), {
      present: "src/supervisor/supervisor.ts",
      absent: [
        ...["src/proxy/session.ts", "src/admin/admin.ts", "src/redirect/", "src/acme/protocol/", "src/acme/renewal.ts"],
        ...["src/tls/verify/path.ts", "npm:@peculiar", "npm:prom-"],
      ],
      most: 450_000,
    });
    return Promise.resolve();
  }, true);
});

Deno.test("the bundle of the Deno binary is minified, and has the same parts as the readable one", async () => {
  const sizes: number[] = [];
  const names: string[][] = [];
  for (const readable of [false, true]) {
    await withSplitBundle((_directory, bundle) => {
      const files = [...Deno.readDirSync(bundle)].map(({ name }) => name).sort();
      names.push(files);
      sizes.push(files.reduce((sum, name) => sum + Deno.statSync(`${bundle}/${name}`).size, 0));
      return Promise.resolve();
    }, readable);
  }
  assert.deepEqual(names[0], names[1]);
  assert.ok(sizes[0] < 0.6 * sizes[1], `${sizes}`);
});

Deno.test("no package is imported late but by a module of ours, since a part has only the default export of CommonJS", () => {
  for (const [path, source] of readSources()) assert.doesNotMatch(source, /\bimport\("[^.]/, path);
});

Deno.test("the parts of the bundle are named by their order, and nothing in them by this machine", async () => {
  await withSplitBundle((_directory, bundle) => {
    const names = [...Deno.readDirSync(bundle)].map(({ name }) => name);
    assert.ok(names.length > 10);
    for (const name of names) {
      assert.match(name, /^(main|part_\d+)\.js$/);
      const text = Deno.readTextFileSync(`${bundle}/${name}`);
      assert.ok(!text.includes(ROOT) && !/\/npm\/registry/.test(text), name);
      for (const [, part] of text.matchAll(/"\.\/([^"]+\.js)"/g)) assert.ok(names.includes(part), `${name}: ${part}`);
    }
    return Promise.resolve();
  });
});

Deno.test("the workflows and .ci/run name folders and files of the repository that there are", () => {
  let named = 0;
  for (const file of [".ci/run", ".github/workflows/test.yml", ".github/workflows/release.yml"]) {
    for (
      const [path] of Deno.readTextFileSync(`${ROOT}${file}`).matchAll(/(?<=[ ./])(?:tests|scripts|src)\/[\w./]+/g)
    ) {
      assert.ok(Deno.statSync(`${ROOT}${path}`), `${file}: ${path}`);
      named++;
    }
  }
  assert.ok(named > 3);
});
