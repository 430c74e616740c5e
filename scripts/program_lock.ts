/**
 * Writes src/deno.lock anew: the part of deno.lock that the program itself needs. Deno downloads whatever its lock file
 * has, so that `deno task start` with the whole one would bring everything that the tests and the bench need, too.
 */
import { ROOT } from "./reference/inventory.ts";
import { runCommand } from "./build/run_command.ts";

/** A lock file of Deno, version 5, as far as it is read. */
interface Lock {
  version: string;
  /** The version that each specifier stands for; with its peers, such as `6.5.0_vega@6.4.0`. */
  specifiers: Record<string, string>;
  /** By name and version. A dependency is a name, with its version where the file has several. */
  npm: Record<string, { dependencies?: string[]; optionalDependencies?: string[] }>;
  workspace: unknown;
}

/** The file that this script writes. */
export const PROGRAM_LOCK: string = `${ROOT}src/deno.lock`;

/**
 * The text that it has to have.
 * @throws {Error} where the program cannot be read, or deno.lock lacks a package
 */
export async function programLock(): Promise<string> {
  const { code, output } = await runCommand([
    Deno.execPath(),
    "info",
    "--json",
    `--lock=${ROOT}deno.lock`,
    `${ROOT}src/main.ts`,
  ]);
  if (code !== 0) throw new Error(`Cannot list the modules of the program: ${output}`);
  const { modules, redirects }: { modules: { specifier: string }[]; redirects: Record<string, string> } = JSON.parse(
    output.slice(output.indexOf("{")),
  );
  const used = new Set(modules.map(({ specifier }) => specifier));
  const lock: Lock = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const specifiers = Object.entries(lock.specifiers).filter(([specifier]) => used.has(redirects[specifier]));
  const packages = new Set<string>();
  for (const [specifier, version] of specifiers) {
    addPackage(lock, `${specifier.replace(/^npm:(.+)@.*$/, "$1")}@${version}`, packages);
  }
  const npm = Object.fromEntries(Object.entries(lock.npm).filter(([name]) => packages.has(name)));
  return JSON.stringify({ ...lock, specifiers: Object.fromEntries(specifiers), npm }, null, 2) + "\n";
}

/** Adds a package and all that it needs. */
function addPackage(lock: Lock, name: string, packages: Set<string>): void {
  const entry = lock.npm[name];
  if (entry === undefined) throw new Error(`Cannot find ${name} in deno.lock`);
  if (packages.has(name)) return;
  packages.add(name);
  for (const needed of [...entry.dependencies ?? [], ...entry.optionalDependencies ?? []]) {
    const isWhole = Object.hasOwn(lock.npm, needed);
    addPackage(lock, isWhole ? needed : onlyVersion(lock, needed), packages);
  }
}

function onlyVersion(lock: Lock, name: string): string {
  const found = Object.keys(lock.npm).filter((key) => key.startsWith(`${name}@`));
  if (found.length !== 1) throw new Error(`Cannot find one version of ${name} in deno.lock: there are ${found.length}`);
  return found[0];
}

if (import.meta.main) await Deno.writeTextFile(PROGRAM_LOCK, await programLock());
