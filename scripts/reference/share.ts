import manifest from "../../deno.json" with { type: "json" };
import { bashCompletion } from "../../src/cli/completions/bash.ts";
import { fishCompletion } from "../../src/cli/completions/fish.ts";
import { zshCompletion } from "../../src/cli/completions/zsh.ts";
import { toMan } from "./man.ts";
import { referenceSections } from "./model.ts";

/**
 * Makes the files that are installed beside the program, by their path below `share/`.
 * @param date the date of the man page, `YYYY-MM-DD`
 */
export function shareFiles(date: string): Map<string, string> {
  return new Map([
    ["man/man1/tls-off.1", toMan(referenceSections(), { version: manifest.version, date })],
    ["bash-completion/completions/tls-off", bashCompletion()],
    ["zsh/site-functions/_tls-off", zshCompletion()],
    ["fish/vendor_completions.d/tls-off.fish", fishCompletion()],
  ]);
}

/** Writes the files of {@linkcode shareFiles} below a directory. */
export async function writeShareFiles(directory: string, date: string): Promise<void> {
  for (const [name, text] of shareFiles(date)) {
    const path = `${directory}/${name}`;
    await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
}
