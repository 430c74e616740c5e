import { BuildError } from "../build_error.ts";
import { runCommand, tellingLine } from "../run_command.ts";
import { DENO_VERSION } from "../versions.ts";

/** The deno command whose `compile` is used. */
export interface DenoCompiler {
  path: string;
  /** Such as `2.9.6`: the base has to be of the same. */
  version: string;
  /** Whether it takes `--app-name`: 2.7 does not. */
  takesAppName: boolean;
}

/**
 * Finds the compiler: the file that `DENO_COMPILER` names, else the Deno that runs the build.
 * @throws {BuildError} where that is not the deno command
 */
export async function findDenoCompiler(environment: (name: string) => string | undefined): Promise<DenoCompiler> {
  const named = environment("DENO_COMPILER");
  const path = named || Deno.execPath();
  const ask = async (...args: string[]) => {
    const { code, output } = await runCommand([path, ...args], { env: { NO_COLOR: "1" }, timeoutMs: 60_000 });
    if (code === 0) return output;
    throw new BuildError(
      `Cannot use DENO_COMPILER="${path}": "${args.join(" ")}" ended with ${code}: ${tellingLine(output)}`,
    );
  };
  const [, version] = /^deno (\d+\.\d+\.\d+\S*)/.exec(await ask("--version")) ?? [];
  if (version === undefined) throw new BuildError(`Cannot use DENO_COMPILER="${path}": it is not the deno command`);
  return { path, version, takesAppName: (await ask("compile", "--help")).includes("--app-name") };
}

/** The command that runs the pinned Deno: the one that runs the build if it is the same, else npm's. */
export function pinnedDeno(version: string = Deno.version.deno): string[] {
  return version === DENO_VERSION ? [Deno.execPath()] : ["npx", "-y", `deno@${DENO_VERSION}`];
}
