import process from "node:process";

/**
 * The value of an environment variable. On Deno a variable that the program has no permission to read counts as not
 * set, so that someone who gives fewer permissions loses no more than that variable's effect.
 */
export function readEnvironment(name: string): string | undefined {
  try {
    return process.env[name];
  } catch {
    return undefined;
  }
}
