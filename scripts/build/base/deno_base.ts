import { BuildError } from "../build_error.ts";
import { cutBase } from "./cut_base.ts";
import { readElf } from "./elf.ts";
import type { Target } from "../target.ts";

/** Deno's compile base (denort) as the environment names it. */
export interface DenoBase {
  /** What `deno compile` is given: the file named, or the base that was cut out of it. */
  path: string;
  /** The variable that named it. */
  variable: string;
  /** The program that the base was cut out of; absent where the file named is denort itself. */
  cutFrom?: string;
}

/**
 * Finds the base for a target: `DENORT_BIN_X64` or `DENORT_BIN_ARM64`, else `DENORT_BIN`, with `{target}` in it for
 * both (such as `x86_64-unknown-linux-gnu`), or a file, which is taken for the target that it is made for. Each may
 * name denort, or any program that `deno compile` made.
 *
 * @param directory where a base that is cut out of a program is written to
 * @returns `null` where nothing is named for this target
 * @throws {BuildError} where the file is not there, for another machine, truncated, or not of that kind
 */
export async function findDenoBase(
  target: Target,
  environment: (name: string) => string | undefined,
  directory: string,
): Promise<DenoBase | null> {
  const own = `DENORT_BIN_${target.name.toUpperCase()}`;
  const named = environment(own);
  if (named) return await openBase(named, own, target, directory);
  const common = environment("DENORT_BIN");
  if (!common) return null;
  if (common.includes("{target}")) {
    return await openBase(common.replaceAll("{target}", target.denoTarget), "DENORT_BIN", target, directory);
  }
  // One file is for one of the targets alone: for the other it is as if nothing were named.
  const elf = readElf(await readBase(common, "DENORT_BIN"));
  const isForOther = elf !== null && elf.machine !== null && elf.machine !== target.name;
  return isForOther ? null : await openBase(common, "DENORT_BIN", target, directory);
}

async function openBase(path: string, variable: string, target: Target, directory: string): Promise<DenoBase> {
  const file = await readBase(path, variable);
  const refuse = (what: string) =>
    new BuildError(
      `Cannot use ${variable}="${path}": ${what}, must be denort for ${target.denoTarget}, or a program that ` +
        "deno compile made for it",
    );
  const elf = readElf(file);
  if (elf === null || elf.machine === null) throw refuse("it is no Linux program for x64 or arm64");
  if (elf.machine !== target.name) throw refuse(`it is for ${elf.machine}`);
  let base;
  try {
    base = cutBase(file, elf);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  if (!base.wasCut) return { path, variable };
  const cut = `${directory}/denort-${target.denoTarget}`;
  await Deno.writeFile(cut, base.bytes, { mode: 0o755 });
  return { path: cut, variable, cutFrom: path };
}

async function readBase(path: string, variable: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (error) {
    throw new BuildError(`Cannot use ${variable}="${path}": ${(error as Error).message}`);
  }
}
