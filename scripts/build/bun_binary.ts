import { BuildError } from "./build_error.ts";
import { askProduct } from "./product.ts";
import { runCommand, tellingLine } from "./run_command.ts";
import type { Target } from "./target.ts";

/** The Bun that the binaries have inside, for both machines. */
export const BUN_VERSION = "1.4.5";

/** The command that runs that Bun: the one on the PATH if it is the same, else npm's. */
export async function findBun(): Promise<string[]> {
  const { code, output } = await runCommand(["bun", "--version"]);
  return code === 0 && output.trim() === BUN_VERSION ? ["bun"] : ["npx", "-y", `bun@${BUN_VERSION}`];
}

/** The arguments that make a Bun binary of the bundle. */
export function bunBuildArguments(bundle: string, output: string, target: Target): string[] {
  return [
    "build",
    "--compile",
    `--target=${target.bunTarget}`,
    // Without these the program would read such files of whatever directory it is started in.
    "--no-compile-autoload-dotenv",
    "--no-compile-autoload-bunfig",
    `--outfile=${output}`,
    bundle,
  ];
}

/**
 * Makes the binary for one target, and runs it.
 * @returns what it runs on, such as `bun 1.4.5`; `null` where this machine cannot run it
 * @throws {BuildError}
 */
export async function buildBunBinary(
  bun: string[],
  bundle: string,
  output: string,
  target: Target,
): Promise<string | null> {
  const name = output.slice(output.lastIndexOf("/") + 1);
  const { code, output: said } = await runCommand([...bun, ...bunBuildArguments(bundle, output, target)]);
  if (code !== 0) {
    throw new BuildError(`Cannot make ${name}: ${bun.join(" ")} ended with ${code}: ${tellingLine(said)}`);
  }
  try {
    return (await askProduct(output, target))?.runtime ?? null;
  } catch (error) {
    throw new BuildError(`Cannot make ${name}: ${(error as Error).message}`);
  }
}
