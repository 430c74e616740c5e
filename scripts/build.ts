/**
 * `deno task build`: everything of a release, in `dist/`: a binary for each machine on Deno and on Bun, SHA256SUMS, the
 * man page, the completions and install.sh.
 */
import { parseArgs } from "@std/cli/parse-args";
import { resolve } from "node:path";
import { acceptProduct } from "./build/acceptance.ts";
import { buildBunBinary, findBun } from "./build/bun_binary.ts";
import { BuildError, MissingBaseError } from "./build/build_error.ts";
import { writeChecksums } from "./build/checksums.ts";
import { findDenoBase } from "./build/base/deno_base.ts";
import { buildDenoBinary } from "./build/deno_binary.ts";
import { findDenoCompiler, pinnedDeno } from "./build/base/deno_compiler.ts";
import { collectLicences } from "./build/packages/licences.ts";
import { makePackages } from "./build/packages/packages.ts";
import { runCommand, tellingLine } from "./build/run_command.ts";
import { makeSplitBundle } from "./build/split_bundle.ts";
import { sourceTime } from "./build/source_time.ts";
import { productCommand, type Target, TARGETS } from "./build/target.ts";
import { ROOT } from "./reference/inventory.ts";
import { writeShareFiles } from "./reference/share.ts";

const USAGE = "usage: deno task build [--out DIR] [--allow-missing-deno] [--no-packages]";
const MIB = 2 ** 20;

interface Failures {
  wrong: string[];
  missing: string[];
}

async function main(args: string[]): Promise<number> {
  const unknown: string[] = [];
  const options = parseArgs(args, {
    boolean: ["allow-missing-deno", "no-packages", "help"],
    string: ["out"],
    unknown: (arg) => (unknown.push(arg), false),
  });
  if (options.help || unknown.length > 0) {
    console.error(unknown.length > 0 ? `build: Unknown argument "${unknown[0]}"\n${USAGE}` : USAGE);
    return options.help ? 0 : 2;
  }
  const failures = await build(resolve(options.out ?? `${ROOT}dist`), !options["no-packages"]);
  for (const line of [...failures.wrong, ...failures.missing]) console.error(`build: ${line}`);
  if (failures.missing.length > 0 && !options["allow-missing-deno"]) {
    console.error("build: the binaries on Bun are made; --allow-missing-deno is content with them");
  }
  return failures.wrong.length > 0 || (failures.missing.length > 0 && !options["allow-missing-deno"]) ? 1 : 0;
}

async function build(directory: string, packages: boolean): Promise<Failures> {
  const failures: Failures = { wrong: [], missing: [] };
  const names: string[] = [];
  await Deno.mkdir(directory, { recursive: true });
  await removeFormerProducts(directory);
  const bundle = `${directory}/tls-off.mjs`;
  const time = await sourceTime((name) => Deno.env.get(name));
  await makeBundle(bundle, time);
  const make = async (name: string, target: Target, making: (path: string) => Promise<string | null>) => {
    try {
      const path = `${directory}/${name}`;
      const runtime = await making(path);
      if (runtime !== null) await accept(path, target);
      names.push(name);
      const size = ((await Deno.stat(path)).size / MIB).toFixed(1).padStart(6);
      const how = runtime === null ? "not run: no emulator for its machine is here" : `${runtime}, accepted`;
      console.log(`${name.padEnd(24)} ${size} MiB  ${how}`);
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      failures[error instanceof MissingBaseError ? "missing" : "wrong"].push(error.message);
    }
  };
  // Side by side: what an emulator runs takes most of the time, and one core of it.
  await Promise.all([makeBunBinaries(bundle, make), makeDenoBinaries(time, make)]);
  await writeShareFiles(`${directory}/share`, time.toISOString().slice(0, 10));
  await Deno.copyFile(`${ROOT}scripts/install.sh`, `${directory}/install.sh`);
  const own = await Deno.readTextFile(`${ROOT}LICENSE`);
  const others = await collectLicences(await Deno.readTextFile(bundle));
  await Deno.writeTextFile(`${directory}/LICENSES`, `tls-off\n=======\n\n${own}\n\n${others}`);
  await copyUnits(`${directory}/systemd`);
  if (packages) {
    const made = await makePackages({ directory, binaries: [...names].sort(), time });
    for (const line of made.skipped) console.log(line);
    names.push(...made.names);
  }
  await writeChecksums(directory, names);
  return failures;
}

/** What `install.sh --systemd` installs. */
async function copyUnits(directory: string): Promise<void> {
  await Deno.mkdir(directory, { recursive: true });
  for (const name of ["tls-off.service", "tls-off.socket", "tls-off.sysusers", "tls-off.toml"]) {
    await Deno.copyFile(`${ROOT}scripts/deploy/systemd/${name}`, `${directory}/${name}`);
  }
}

/** Makes a product of the given name, and prints the result. */
type Make = (name: string, target: Target, making: (path: string) => Promise<string | null>) => Promise<void>;

async function makeBunBinaries(bundle: string, make: Make): Promise<void> {
  const bun = await findBun();
  for (const target of TARGETS) {
    await make(`tls-off-bun-linux-${target.name}`, target, (path) => buildBunBinary(bun, bundle, path, target));
  }
}

async function makeDenoBinaries(time: Date, make: Make): Promise<void> {
  const environment = (name: string) => Deno.env.get(name);
  const compiler = await findDenoCompiler(environment);
  // For the bundle in parts, and bases that were cut out of programs: nobody needs them later.
  const directory = await Deno.makeTempDir();
  try {
    const bundle = `${directory}/tls-off`;
    await makeSplitBundle(bundle, time);
    for (const target of TARGETS) {
      await make(`tls-off-linux-${target.name}`, target, async (path) => {
        const base = await findDenoBase(target, environment, directory);
        return await buildDenoBinary(compiler, bundle, path, target, base);
      });
    }
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

/** Keeps a product only if it passes the acceptance test. */
async function accept(path: string, target: Target): Promise<void> {
  try {
    await acceptProduct(productCommand(path, target));
  } catch (error) {
    await Deno.remove(path);
    throw new BuildError(`Removed ${path}, which does not work: ${(error as Error).message}`);
  }
}

/** @param time that of the file: `deno compile` writes it into the binary */
async function makeBundle(path: string, time: Date): Promise<void> {
  const { code, output } = await runCommand([...pinnedDeno(), "run", "-A", `${ROOT}scripts/bundle.ts`, path]);
  if (code !== 0) throw new BuildError(`Cannot make the bundle: ${tellingLine(output)}`);
  await Deno.utime(path, time, time);
}

/** Removes earlier products, so that a binary of an earlier build is not taken for one of this build. */
async function removeFormerProducts(directory: string): Promise<void> {
  for await (const { name } of Deno.readDir(directory)) {
    if (/^tls-off[-_].*(linux-|\.deb$|\.tar\.gz$)/.test(name)) await Deno.remove(`${directory}/${name}`);
  }
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    // What the file system refuses is no fault of ours either.
    const isPlain = [BuildError, ...Object.values(Deno.errors)].some((kind) => error instanceof kind);
    if (!isPlain) throw error;
    console.error(`build: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
