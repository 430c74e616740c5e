import process from "node:process";
import { isAtLeast } from "../../runtimes/floors.ts";
import { runtimeName } from "../../runtimes/name.ts";

/** Whether several workers can listen on one port (SO_REUSEPORT). Older versions of Node take the option and ignore it. */
export function sharesPorts(): boolean {
  if (runtimeName() !== "node") return true;
  return isAtLeast(process.versions.node, "22.12.0");
}
