/**
 * `deno task build:base`: brings a compile base of Deno, and the compiler of the same version, into `.deno-base/`, for
 * tests on machines that cannot reach Deno's own site. The base is cut out of a program on PyPI that `deno compile`
 * made; of the version that releases are made with none is on a package registry. What it takes are known files, or it
 * fails: their sums are below.
 */
import { BuildError } from "../build_error.ts";
import { sha256 } from "../checksums.ts";
import { cutBase } from "./cut_base.ts";
import { readElf } from "./elf.ts";
import { runCommand, tellingLine } from "../run_command.ts";
import { HOST, type Target, TARGETS } from "../target.ts";
import { ROOT } from "../../reference/inventory.ts";

/** The version of both: not the one that releases are made with. */
export const TEST_BASE_VERSION = "2.7.14";

/** The folder that they are put into. Git ignores it. */
export const TEST_BASE_DIRECTORY = `${ROOT}.deno-base`;

/** A program of PyPI (MIT) that was compiled on Deno 2.7.14; later versions of it have no such program in them. */
const PACKAGE = "bids-validator-deno==3.0.0a3";
/** The path of the program in the wheel. */
const PROGRAM = "bids_validator_deno-3.0.0a3.data/scripts/bids-validator-deno";

interface Source {
  /** The name of the platform, as pip has it. */
  platform: string;
  /** The SHA-256 of the base after it was cut out. */
  sha256: string;
}

const BASES: Record<Target["name"], Source> = {
  x64: {
    platform: "manylinux_2_28_x86_64",
    sha256: "44fa11ae44592891a07ecc3967cdb091ae316a947d60929415d26dedbb8f55b7",
  },
  arm64: {
    platform: "manylinux_2_28_aarch64",
    sha256: "0d8efb0267594b14f4cb073f8813c456b283debf467cd36cd9e01db7eaf174f7",
  },
};

/** The compiler, of npm: there is none of that version for arm64. */
const COMPILER = {
  machine: "x64",
  package: "@deno/linux-x64-glibc",
  sha256: "83ae80d34812cb7a4f246a21f707901b71fa937461500f5f0a2e19865115f3fb",
};

/** The variables that let `deno task build` use what is there. */
export function testBaseEnvironment(): Record<string, string> {
  return {
    DENO_COMPILER: `${TEST_BASE_DIRECTORY}/deno`,
    DENORT_BIN: `${TEST_BASE_DIRECTORY}/denort-{target}`,
  };
}

/**
 * Brings what is not there yet.
 * @param say receives a line for each file
 * @throws {BuildError} where one cannot be downloaded, or is not the one that is known
 */
export async function fetchTestBase(say: (line: string) => void): Promise<void> {
  if (HOST !== COMPILER.machine) {
    throw new BuildError(
      `Cannot bring Deno ${TEST_BASE_VERSION}: npm has none for ${HOST}, only for ${COMPILER.machine}`,
    );
  }
  await Deno.mkdir(TEST_BASE_DIRECTORY, { recursive: true });
  for (const target of TARGETS) {
    const { platform, sha256: wanted } = BASES[target.name];
    const path = `${TEST_BASE_DIRECTORY}/denort-${target.denoTarget}`;
    await bring(path, wanted, `the base of ${PACKAGE} for ${platform}`, say, (directory) => {
      return downloadBase(directory, platform);
    });
  }
  const what = `${COMPILER.package} ${TEST_BASE_VERSION}`;
  await bring(`${TEST_BASE_DIRECTORY}/deno`, COMPILER.sha256, what, say, downloadCompiler);
}

/** @param download answers the file's bytes; what it is given is a folder of its own */
async function bring(
  path: string,
  wanted: string,
  what: string,
  say: (line: string) => void,
  download: (directory: string) => Promise<Uint8Array<ArrayBuffer>>,
): Promise<void> {
  if (await sumOf(path) === wanted) return say(`${path}: there, with the right sum`);
  const directory = await Deno.makeTempDir();
  try {
    const bytes = await download(directory);
    const sum = await sha256(bytes);
    if (sum !== wanted) throw new BuildError(`Cannot use ${what}: its SHA-256 is ${sum}, must be ${wanted}`);
    await Deno.writeFile(path, bytes, { mode: 0o755 });
    say(`${path}: ${what}, SHA-256 ${sum}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

async function sumOf(path: string): Promise<string | null> {
  try {
    return await sha256(await Deno.readFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

async function downloadBase(directory: string, platform: string): Promise<Uint8Array<ArrayBuffer>> {
  const pip = ["python3", "-m", "pip", "--disable-pip-version-check"];
  const flags = ["--no-deps", "--pre", "--only-binary=:all:", "--no-cache-dir", "--quiet"];
  await must([...pip, "download", ...flags, `--platform=${platform}`, `--dest=${directory}`, PACKAGE]);
  const wheel = [...Deno.readDirSync(directory)].map(({ name }) => name).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new BuildError(`Cannot bring ${PACKAGE}: pip has written no wheel`);
  await must(["python3", "-m", "zipfile", "-e", `${directory}/${wheel}`, directory]);
  const program = await Deno.readFile(`${directory}/${PROGRAM}`);
  const elf = readElf(program);
  if (elf === null) throw new BuildError(`Cannot use ${PACKAGE}: its program is no ELF file`);
  return cutBase(program, elf).bytes;
}

async function downloadCompiler(directory: string): Promise<Uint8Array<ArrayBuffer>> {
  const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"];
  await must(["npm", "install", ...flags, `--prefix=${directory}`, `${COMPILER.package}@${TEST_BASE_VERSION}`]);
  return await Deno.readFile(`${directory}/node_modules/${COMPILER.package}/deno`);
}

async function must(command: string[]): Promise<void> {
  const { code, output } = await runCommand(command);
  if (code !== 0) throw new BuildError(`Cannot run "${command.join(" ")}": ended with ${code}: ${tellingLine(output)}`);
}

if (import.meta.main) {
  try {
    await fetchTestBase((line) => console.log(line));
    const settings = Object.entries(testBaseEnvironment()).map(([name, value]) => `${name}=${value}`);
    console.log(`Deno ${TEST_BASE_VERSION}, for tests alone: ${settings.join(" ")} deno task build`);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    console.error(`build:base: ${error.message}`);
    Deno.exit(1);
  }
}
