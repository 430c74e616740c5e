/**
 * The program in several files, for the Deno binary: each thread loads those that it needs. As one file, every worker
 * reads and parses all of it, which costs each 5 MB of memory and the start a third of its time. They are minified,
 * which takes 8 ms off the start and 1 MB of each thread's memory. Builds are equal to the byte, so that whoever needs
 * to know which line an error names makes the same parts once more, readable.
 */
import { ROOT } from "../reference/inventory.ts";
import { withoutCachePaths } from "./bundle_text.ts";
import { BuildError } from "./build_error.ts";
import { pinnedDeno } from "./base/deno_compiler.ts";
import { runCommand, tellingLine } from "./run_command.ts";

/** The file that the program, and each of its workers, begins with. */
export const PROGRAM_FILE = "main.js";

/** An import of one part by another, in what the bundler writes. */
const IMPORT = /(from ?|import ?\(?)"\.\/([^"]+\.js)"/g;

/**
 * Writes the parts into a folder of their own. Their names and contents are the same wherever they are made.
 *
 * @param directory must not be there yet
 * @param time that of the files: `deno compile` writes it into the binary
 * @param readable leaves names and comments as they are; the parts are the same
 * @throws {BuildError} where the bundler fails
 */
export async function makeSplitBundle(directory: string, time: Date, readable = false): Promise<void> {
  const made = await Deno.makeTempDir();
  try {
    const flags = ["--quiet", "--platform=deno", "--format=esm", "--code-splitting", `--outdir=${made}`];
    if (!readable) flags.push("--minify");
    const { code, output } = await runCommand([...pinnedDeno(), "bundle", ...flags, "src/main.ts"], { cwd: ROOT });
    if (code !== 0) throw new BuildError(`Cannot make the bundle: ${tellingLine(output)}`);
    await Deno.mkdir(directory);
    for (const [name, text] of await nameParts(made)) {
      await Deno.writeTextFile(`${directory}/${name}`, text);
      await Deno.utime(`${directory}/${name}`, time, time);
    }
    await Deno.utime(directory, time, time);
  } finally {
    await Deno.remove(made, { recursive: true });
  }
}

/**
 * Numbers the parts in the order in which they are imported, from the first on. The bundler names them by a hash, in
 * which there is the folder that the packages were cached in.
 */
async function nameParts(directory: string): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  const names = new Map([[PROGRAM_FILE, PROGRAM_FILE]]);
  // The loop also visits what is added to the map meanwhile.
  for (const [name] of names) {
    const text = withoutCachePaths(await Deno.readTextFile(`${directory}/${name}`));
    for (const [, , part] of text.matchAll(IMPORT)) {
      if (!names.has(part)) names.set(part, `part_${names.size}.js`);
    }
    texts.set(name, text);
  }
  const renamed = (_: string, before: string, part: string) => `${before}"./${names.get(part)}"`;
  return new Map([...texts].map(([name, text]) => [names.get(name)!, text.replace(IMPORT, renamed)]));
}
