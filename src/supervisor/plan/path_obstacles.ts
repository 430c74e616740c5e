import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type Address, formatAddress } from "../../net/address.ts";

/**
 * Says why a log file cannot be created, as far as that can be seen without creating it; `null` where nothing is in the
 * way. Permissions are not checked, because the program may run as another user than the one who checks the
 * configuration.
 * @param path absolute; "" is standard error
 */
export async function logFileObstacle(path: string): Promise<string | null> {
  if (path === "") return null;
  const directory = dirname(path);
  const found = await lookAt(directory);
  if (found === null) return `found "${path}", must be in a directory that is there: "${directory}" is not`;
  if (!found.isDirectory()) return `found "${path}", "${directory}" is no directory`;
  return (await lookAt(path))?.isDirectory() ? `found "${path}", which is a directory` : null;
}

/**
 * Says why connects to a backend will be refused, as far as that can be seen; `null` where nothing is in the way. A
 * socket that is not there may still come.
 */
export async function backendObstacle(address: Address): Promise<string | null> {
  if (address.transport === "tcp" || address.path.startsWith("\0")) return null;
  // Where this user may not look, the connect will tell.
  const found = await lookAt(address.path).catch(() => null);
  if (found === null || found.isSocket()) return null;
  const what = found.isDirectory() ? "a directory" : "a file";
  return `found "${formatAddress(address)}", which is ${what} and no socket: connections to it will be refused`;
}

async function lookAt(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}
