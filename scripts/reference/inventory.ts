/** What the code has and no table of it lists, found by reading the sources: for the documentation's completeness. */
import { allowedEnvironment, startCommand } from "../start_task.ts";

/** Root of the repository, with a slash at the end. */
export const ROOT = new URL("../../", import.meta.url).pathname;

/** The text of every source of the program. */
export function readSources(folder = `${ROOT}src`): Map<string, string> {
  const sources = new Map<string, string>();
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) { for (const [name, text] of readSources(path)) sources.set(name, text); }
    else if (path.endsWith(".ts")) sources.set(path, Deno.readTextFileSync(path));
  }
  return sources;
}

function matches(sources: Map<string, string>, pattern: RegExp): string[] {
  return [...sources.values()].flatMap((text) => [...text.matchAll(pattern)].map(([, found]) => found));
}

function sorted(values: Iterable<string>): string[] {
  return [...new Set(values)].sort();
}

/** Every signal that is listened for. */
export function listSignals(sources: Map<string, string>): string[] {
  return sorted(matches(sources, /"(SIG[A-Z0-9]+)"/g));
}

/** Every exit code that has a name. */
export function listExitCodes(sources: Map<string, string>): string[] {
  return sorted(["0", ...matches(sources, /\bEXIT_[A-Z]+ = (\d+)/g)]);
}

/** Every environment variable that the program has leave to read. */
export function listEnvironment(command?: string): string[] {
  return sorted(allowedEnvironment(startCommand(command)));
}
