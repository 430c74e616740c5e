/**
 * `deno task reference`: writes the generated part of README.md, and with --share DIR the man page and the completions.
 * `--check` writes nothing, and fails where README.md is not up to date.
 */
import { parseArgs } from "@std/cli/parse-args";
import { ROOT } from "./reference/inventory.ts";
import { updateReadme } from "./reference/readme.ts";
import { writeShareFiles } from "./reference/share.ts";

const README = `${ROOT}README.md`;

async function main(args: string[]): Promise<number> {
  const unknown: string[] = [];
  const { check, share } = parseArgs(args, {
    boolean: ["check"],
    string: ["share"],
    unknown: (arg) => (unknown.push(arg), false),
  });
  if (unknown.length > 0) {
    console.error(`reference: Unknown argument "${unknown[0]}": must be --check or --share DIR`);
    return 2;
  }
  const readme = await Deno.readTextFile(README);
  const updated = await updateReadme(readme);
  if (check && updated !== readme) {
    console.error("reference: README.md is not up to date: run deno task reference");
    return 1;
  }
  if (!check && updated !== readme) await Deno.writeTextFile(README, updated);
  if (share !== undefined) await writeShareFiles(share, new Date().toISOString().slice(0, 10));
  return 0;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
