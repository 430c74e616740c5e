import process from "node:process";
import { isAtLeast } from "../../runtimes/floors.ts";
import { runtimeName } from "../../runtimes/name.ts";

/** Whether several workers can listen on one port (SO_REUSEPORT). Older versions of Node ignore the option. */
export function sharesPorts(): boolean {
  if (runtimeName() !== "node") return true;
  return isAtLeast(process.versions.node, "22.12.0");
}
