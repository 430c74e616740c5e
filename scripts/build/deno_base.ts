import { BuildError } from "./build_error.ts";
import { machineOf, type Target } from "./target.ts";

/** Deno's compile base (denort) as the environment names it. */
export interface DenoBase {
  path: string;
  /** The variable that named it. */
  variable: string;
}

/**
 * Finds the base for a target: `DENORT_BIN_X64` or `DENORT_BIN_ARM64`, else `DENORT_BIN`, with `{target}` in it for both (such
 * as `x86_64-unknown-linux-gnu`), or a file, which is taken for the target that it is made for.
 *
 * @returns `null` where nothing is named for this target
 * @throws {BuildError} where the file is not there, or for another machine
 */
export async function findDenoBase(
  target: Target,
  environment: (name: string) => string | undefined,
): Promise<DenoBase | null> {
  const own = `DENORT_BIN_${target.name.toUpperCase()}`;
  const named = environment(own);
  if (named) return { path: await checked(named, own, target), variable: own };
  const common = environment("DENORT_BIN");
  if (!common) return null;
  if (common.includes("{target}")) {
    const path = common.replaceAll("{target}", target.denoTarget);
    return { path: await checked(path, "DENORT_BIN", target), variable: "DENORT_BIN" };
  }
  return (await machine(common, "DENORT_BIN"))?.name === target.name ? { path: common, variable: "DENORT_BIN" } : null;
}

async function checked(path: string, variable: string, target: Target): Promise<string> {
  const found = await machine(path, variable);
  if (found?.name !== target.name) {
    const what = found ? `is for ${found.name}` : "is no Linux program for x64 or arm64";
    throw new BuildError(`Cannot use ${variable}="${path}": it ${what}, must be denort for ${target.denoTarget}`);
  }
  return path;
}

async function machine(path: string, variable: string): Promise<Target | null> {
  try {
    return await machineOf(path);
  } catch (error) {
    throw new BuildError(`Cannot use ${variable}="${path}": ${(error as Error).message}`);
  }
}
