import manifest from "../../deno.json" with { type: "json" };
import { describeShortfall } from "../runtimes/floors.ts";
import { engineNames, runtimeTitle } from "../runtimes/name.ts";

/** The program's version, as deno.json has it. */
export const VERSION: string = manifest.version;

/** What `tls-off version` prints: the program, its runtime, the engines that there are, and a runtime that is too old. */
export function versionText(): string {
  const lines = [`tls-off ${VERSION}`, `runtime ${runtimeTitle()}`, `engines ${engineNames().join(", ")}`];
  const shortfall = describeShortfall();
  return [...lines, ...(shortfall === null ? [] : [`needs ${shortfall}`])].join("\n");
}
