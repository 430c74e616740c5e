import manifest from "../../deno.json" with { type: "json" };
import { engineNames, runtimeTitle } from "../runtimes/name.ts";

/** The program's version, from the one place that it is written. */
export const VERSION: string = manifest.version;

/** What `tls-off version` prints: the program, what it runs on, and the engines there. */
export function versionText(): string {
  return `tls-off ${VERSION}\nruntime ${runtimeTitle()}\nengines ${engineNames().join(", ")}`;
}
