/**
 * Lists names that no table of the code has, by reading the sources, so that the reference can be checked against them.
 */
import { allowedEnvironment, startCommand } from "../start_task.ts";

/** Root of the repository, with a slash at the end. */
export const ROOT = new URL("../../", import.meta.url).pathname;

/** Reads every source of the program: its text by its path. */
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

/** Lists the signals that the program listens for. */
export function listSignals(sources: Map<string, string>): string[] {
  return sorted(matches(sources, /"(SIG[A-Z0-9]+)"/g));
}

/** Lists the exit codes that have a name. */
export function listExitCodes(sources: Map<string, string>): string[] {
  return sorted(["0", ...matches(sources, /\bEXIT_[A-Z]+ = (\d+)/g)]);
}

/** Lists the environment variables that the program has permission to read. */
export function listEnvironment(command?: string): string[] {
  return sorted(allowedEnvironment(startCommand(command)));
}
