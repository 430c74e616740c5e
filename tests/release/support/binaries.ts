import { buildBunBinary, findBun } from "../../../scripts/build/bun_binary.ts";
import { runCommand } from "../../../scripts/build/run_command.ts";
import { HOST, productCommand, type Target, TARGETS } from "../../../scripts/build/target.ts";
import { ROOT } from "../../../scripts/reference/inventory.ts";

/** A binary of a release. */
export interface Binary {
  /** Such as `tls-off-linux-x64`. */
  name: string;
  runtime: "deno" | "bun";
  target: Target;
  /** Where it is; the first call may have to make it. */
  path(): Promise<string>;
}

/** The folder with what `deno task build` made; without it the tests make the binaries on Bun for themselves. */
const BUILT = Deno.env.get("TLS_OFF_DIST") ?? "";

let directory: string | undefined;
let bundling: Promise<string> | undefined;

/** A folder for what is made here, removed with the test process. */
function ownDirectory(): string {
  if (directory === undefined) {
    const made = directory = Deno.makeTempDirSync();
    addEventListener("unload", () => Deno.removeSync(made, { recursive: true }));
  }
  return directory;
}

function bundle(): Promise<string> {
  return bundling ??= (async () => {
    const file = `${ownDirectory()}/tls-off.mjs`;
    const { code, output } = await runCommand([Deno.execPath(), "run", "-A", `${ROOT}scripts/bundle.ts`, file]);
    if (code !== 0) throw new Error(output);
    return file;
  })();
}

/** The binaries to test: all four of a build, else those on Bun, which npm has all for. */
export function binaries(): Binary[] {
  return TARGETS.flatMap((target): Binary[] => {
    const onBun = `tls-off-bun-linux-${target.name}`;
    if (BUILT === "") {
      let making: Promise<string> | undefined;
      return [{ name: onBun, runtime: "bun", target, path: () => making ??= make(onBun, target) }];
    }
    const onDeno = `tls-off-linux-${target.name}`;
    const found = (name: string) => () => Promise.resolve(Deno.realPathSync(`${BUILT}/${name}`));
    return [
      { name: onDeno, runtime: "deno", target, path: found(onDeno) },
      { name: onBun, runtime: "bun", target, path: found(onBun) },
    ];
  });
}

/** Those that this machine runs without an emulator. */
export function ownBinaries(): Binary[] {
  return binaries().filter(({ target }) => target.name === HOST);
}

async function make(name: string, target: Target): Promise<string> {
  const path = `${ownDirectory()}/${name}`;
  await buildBunBinary(await findBun(), await bundle(), path, target);
  return path;
}

/** The program in an empty folder, without an environment: no Deno and no Bun on the PATH. */
export interface BareProgram {
  directory: string;
  command: string[];
  run(args: string[], env?: Record<string, string>): ReturnType<typeof runCommand>;
}

/** Runs a test with an empty folder, which is the working folder and the temporary folder of the program. */
export async function withBareProgram(binary: Binary, use: (program: BareProgram) => Promise<void>): Promise<void> {
  const command = productCommand(await binary.path(), binary.target);
  const directory = await Deno.makeTempDir();
  try {
    const run = (args: string[], env: Record<string, string> = {}) =>
      runCommand([...command, ...args], { cwd: directory, clearEnv: true, env: { TMPDIR: directory, ...env } });
    await use({ directory, command, run });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
