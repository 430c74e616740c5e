/**
 * `deno task reference`: writes `scripts/reference/README.md`, and with `--share DIR` the man page and the completions.
 * `--check` writes nothing, and fails where the page is not up to date.
 */
import { parseArgs } from "@std/cli/parse-args";
import { PAGE, writePage } from "./reference/page.ts";
import { writeShareFiles } from "./reference/share.ts";

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
  const page = writePage();
  if (check && page !== await readIfThere(PAGE)) {
    console.error("reference: scripts/reference/README.md is not up to date: run deno task reference");
    return 1;
  }
  if (!check) await Deno.writeTextFile(PAGE, page);
  if (share !== undefined) await writeShareFiles(share, new Date().toISOString().slice(0, 10));
  return 0;
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return "";
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
