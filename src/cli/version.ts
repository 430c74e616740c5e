import manifest from "../../deno.json" with { type: "json" };
import { engineNames, runtimeTitle } from "../runtimes/name.ts";

/** The program's version, as deno.json has it. */
export const VERSION: string = manifest.version;

/** What `tls-off version` prints: the program, its runtime, and the engines that there are. */
export function versionText(): string {
  return `tls-off ${VERSION}\nruntime ${runtimeTitle()}\nengines ${engineNames().join(", ")}`;
}
