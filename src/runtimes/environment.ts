import process from "node:process";

/**
 * The value of an environment variable. On Deno a variable that the program was not given leave to read counts as not
 * set: whoever runs it with less must not lose more than that variable's effect.
 */
export function readEnvironment(name: string): string | undefined {
  try {
    return process.env[name];
  } catch {
    return undefined;
  }
}
