import { stat } from "node:fs/promises";
import { dirname } from "node:path";

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

async function lookAt(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return null;
    throw error;
  }
}
