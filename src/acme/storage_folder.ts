/** The folder that ACME keeps its files in: whether it can be trusted with keys. */
import type { Stats } from "node:fs";
import { lstat, open, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { explainSystemError } from "../net/system_error.ts";
import { temporaryName } from "./atomic_file.ts";

export const FOLDERS = ["accounts", "certificates", "challenges", "locks"];

/** The storage folder, and those in it. */
export function storageFolders(path: string): string[] {
  return [path, ...FOLDERS.map((name) => join(path, name))];
}

/**
 * Makes sure that nobody else can write to the folders that are there.
 * @throws {Error} where somebody can, in a few words
 */
export async function checkFolders(path: string): Promise<void> {
  const ownUid = await ownerOfNewFile(path);
  for (const folder of storageFolders(path)) {
    const found = await stat(folder).catch(ignoreMissing);
    if (found === null) continue;
    if (!found.isDirectory()) throw new Error(`${folder} is not a directory`);
    const digits = (found.mode & 0o777).toString(8).padStart(4, "0");
    if (found.mode & 0o022) throw new Error(`other users can write to ${folder} (mode ${digits}): set it to 0700`);
    // An owner can do what the mode does not let him do.
    if (found.uid !== ownUid && found.uid !== 0) {
      throw new Error(`${folder} belongs to user ${found.uid}, who could write to it, and this is user ${ownUid}`);
    }
  }
}

/** Says why certificates cannot be stored in a folder, which need not exist yet; `null` where they can. */
export async function storageProblem(path: string): Promise<string | null> {
  try {
    let folder = path;
    // A link to what is not there is there, and no folder can be made in its place.
    while (await lstat(folder).catch(ignoreMissing) === null) folder = dirname(folder);
    if (folder === path) await checkFolders(path);
    else await ownerOfNewFile(folder);
    return null;
  } catch (error) {
    return cannotKeep(path, error).message;
  }
}

export function cannotKeep(path: string, error: unknown): Error {
  return new Error(`Cannot keep certificates in "${path}": ${explainSystemError(error)}`, { cause: error });
}

/** Whom a file belongs to that is made in a folder now: no runtime needs a permission to tell that. */
async function ownerOfNewFile(folder: string): Promise<number> {
  return (await statNewFile(folder)).uid;
}

/**
 * Makes a file in a folder, and removes it again.
 * @returns what the file system said of it
 * @throws {Error} of the file system, where none can be made
 */
export async function statNewFile(folder: string): Promise<Stats> {
  const path = temporaryName(join(folder, "probe"));
  const file = await open(path, "wx", 0o600);
  try {
    return await file.stat();
  } finally {
    await file.close();
    await unlink(path);
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT") return null;
  throw error;
}
