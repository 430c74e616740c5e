import process from "node:process";
import { runtimeName } from "../../runtimes/name.ts";

/** Whether several workers can listen on one port (SO_REUSEPORT). Older versions of Node take the option and ignore it. */
export function sharesPorts(): boolean {
  if (runtimeName() !== "node") return true;
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 12);
}
