import map from "../../../src/imports.json" with { type: "json" };
import { BuildError } from "../build_error.ts";
import { runCommand, tellingLine } from "../run_command.ts";

/** The packages of the live page, which is one text in the bundle. */
const IN_THE_PAGE = [map.imports.uplot];

/** Lists the packages of which a bundle has parts, as `name version`, in order. */
export function bundledPackages(bundle: string): string[] {
  const comments = bundle.matchAll(/^\/\/ npm:((?:@[^/\s]+\/)?[^/\s]+)\/(\d[^/\s]*)\//gm);
  const found = [...comments].map(([, name, version]) => `${name} ${version}`);
  return [...new Set([...found, ...IN_THE_PAGE.map((target) => target.replace(/^npm:(.+)@/, "$1 "))])].sort();
}

/**
 * Collects the licences of the packages in a bundle. Most of them must go with every copy, including binaries.
 * @param bundle the text of the bundle
 * @throws {BuildError} where a package has none, or is not in the cache
 */
export async function collectLicences(bundle: string): Promise<string> {
  const { code, output } = await runCommand([Deno.execPath(), "info", "--json"]);
  if (code !== 0) throw new BuildError(`Cannot find Deno's cache: ${tellingLine(output)}`);
  const { npmCache }: { npmCache: string } = JSON.parse(output);
  const registries = [...Deno.readDirSync(npmCache)].filter(({ isDirectory }) => isDirectory);
  const parts = bundledPackages(bundle).map((title) => {
    const directories = registries.map(({ name }) => `${npmCache}/${name}/${title.replace(" ", "/")}`);
    const text = directories.map(licenceIn).find((text) => text !== null);
    if (text === undefined) throw new BuildError(`Cannot find the licence of ${title} in ${npmCache}`);
    return `${title}\n${"=".repeat(title.length)}\n\n${text!.trim()}\n`;
  });
  return parts.join("\n\n");
}

function licenceIn(directory: string): string | null {
  try {
    const names = [...Deno.readDirSync(directory)].map(({ name }) => name);
    const name = names.find((name) => /^licen[cs]e/i.test(name));
    return name === undefined ? null : Deno.readTextFileSync(`${directory}/${name}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
