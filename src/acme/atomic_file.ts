import { link, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { explainSystemError } from "../net/system_error.ts";

/** The calls that change files. The process may crash after each of them, and tests make it do so. */
export interface FileSteps {
  open: typeof open;
  rename: typeof rename;
  unlink: typeof unlink;
}

const FILE_STEPS: FileSteps = { open, rename, unlink };

const TEMPORARY = /^\.[^/]+\.[0-9a-f-]{36}\.new$/;
/** A temporary file that is older than this was left by a process that died. */
const ABANDONED_MS = 3_600_000;

/** Returns the name of a temporary file that will be renamed to `path`. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 150)}.${crypto.randomUUID()}.new`);
}

/**
 * Replaces a file with mode 0600, so that whoever reads it, or looks after a crash, finds the old text or the new one:
 * a new file beside it, fsync, rename, fsync of the folder.
 * @throws {Error} naming the file; the old one stays then
 */
export async function writeAtomically(path: string, text: string, steps: FileSteps = FILE_STEPS): Promise<void> {
  const beside = temporaryName(path);
  try {
    const file = await steps.open(beside, "wx", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await steps.rename(beside, path);
  } catch (error) {
    // Where this fails too, the file is removed an hour later.
    await unlink(beside).catch(() => {});
    throw new Error(`Cannot write "${path}": ${explainSystemError(error)}`, { cause: error });
  }
  await syncFolder(dirname(path), steps);
}

/**
 * Gives a file a second name, if no file has that name yet. Other than a file that is opened exclusively, it has its
 * whole content from the first moment.
 * @returns whether the name was free
 * @throws {Error} of the file system
 */
export async function createExclusively(from: string, path: string): Promise<boolean> {
  try {
    await link(from, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a file for good; nothing happens where there is none. */
export async function removeFile(path: string, steps: FileSteps = FILE_STEPS): Promise<void> {
  try {
    await steps.unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await syncFolder(dirname(path), steps);
}

/** Removes the temporary files that processes which died have left in a folder. */
export async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!TEMPORARY.test(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > ABANDONED_MS) await unlink(path).catch(() => {});
  }
}

async function syncFolder(path: string, steps: FileSteps): Promise<void> {
  const folder = await steps.open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
