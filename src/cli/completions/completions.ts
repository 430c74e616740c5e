/** `tls-off completions`: what the shells read to complete its command line. */
import { bashCompletion } from "./bash.ts";
import { fishCompletion } from "./fish.ts";
import { zshCompletion } from "./zsh.ts";

const WRITERS: Record<string, () => string> = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/**
 * The completion for a shell.
 * @param shell one of the words that the command takes
 */
export function completions(shell: string): string {
  return WRITERS[shell]();
}
