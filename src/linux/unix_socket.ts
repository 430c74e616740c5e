/** The files of listening Unix sockets: whether a name is free, taking it over, and removing it. */
import {
  accessSync,
  chmodSync,
  chownSync,
  constants,
  lstatSync,
  mkdtempSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  unlinkSync,
} from "node:fs";
import { connect } from "node:net";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { threadId } from "node:worker_threads";
import { idOfName } from "../files/system_names.ts";
import { MAX_UNIX_BYTES } from "../net/address.ts";

let count = 0;

/**
 * Makes sure that no process listens there. A socket file whose process has ended is no obstacle.
 * @param path a path, or an abstract name, which begins with NUL
 * @throws {Error} a process listens there, or the file is no socket
 */
export async function checkUnixPath(path: string): Promise<void> {
  if (!path.startsWith("\0")) {
    checkDirectory(dirname(path));
    const found = lstat(path);
    if (found === null) return;
    if (!found.isSocket()) throw new Error("there is a file of that name, which is no socket");
  }
  const code = await connectCode(path);
  if (code === null || code === "EAGAIN") throw new Error("address already in use: another process listens there");
  if (code !== "ECONNREFUSED" && code !== "ENOENT") {
    throw new Error(`cannot see whether another process listens: ${code}`);
  }
}

/** The name of a listening socket. */
export interface BoundName {
  /** Removes the name, unless it belongs to another socket by now. */
  release(): void;
}

/**
 * Binds a Unix socket under a name that may exist already: left by a process that has ended, or in use by a socket of
 * this process that is to be replaced. The socket is bound under another name in the same directory and then renamed,
 * so that there is no moment in which a client finds no socket.
 *
 * Who may connect is a matter of the file's mode, which is the umask's unless `access` says another (unix(7)), and of
 * its directory's. With `access` the socket is bound within a directory that nobody else can enter: between bind and
 * chmod everybody could connect.
 * @param listen binds and listens at the path given
 * @throws {Error} naming what the system does not allow
 */
export async function bindUnixPath<Bound>(
  path: string,
  listen: (path: string) => Promise<Bound> | Bound,
  access?: { mode: string; owner: string; group: string },
): Promise<{ bound: Bound; name: BoundName }> {
  if (path.startsWith("\0")) return { bound: await listen(path), name: { release() {} } };
  if (access !== undefined) return await bindPrivately(path, listen, access);
  const name = `.${basename(path).slice(0, 8)}.${
    [process.pid, threadId, ++count].map((n) => n.toString(36)).join(".")
  }`;
  const beside = join(dirname(path), name);
  const fits = new TextEncoder().encode(beside).length <= MAX_UNIX_BYTES;
  if (!fits && lstat(path) !== null) unlinkSync(path);
  const bound = await listen(fits ? beside : path);
  if (fits) renameSync(beside, path);
  return { bound, name: nameOf(path) };
}

async function bindPrivately<Bound>(
  path: string,
  listen: (path: string) => Promise<Bound> | Bound,
  access: { mode: string; owner: string; group: string },
): Promise<{ bound: Bound; name: BoundName }> {
  const directory = mkdtempSync(join(dirname(path), "."));
  try {
    const beside = join(directory, "s");
    if (new TextEncoder().encode(beside).length > MAX_UNIX_BYTES) {
      throw new Error(
        `listen-mode, listen-owner and listen-group need a path of ${MAX_UNIX_BYTES} bytes with room for 10 more`,
      );
    }
    // This comes before anything is bound, because a socket that listens without a name would be left over.
    const owners = { uid: ownerId("user", access.owner), gid: ownerId("group", access.group) };
    checkOwners(directory, owners);
    const bound = await listen(beside);
    if (access.mode !== "") chmodSync(beside, parseInt(access.mode, 8));
    if (owners.uid >= 0 || owners.gid >= 0) chownSync(beside, owners.uid, owners.gid);
    renameSync(beside, path);
    return { bound, name: nameOf(path) };
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Returns the number of a user or group; -1 leaves it as it is (chown(2)). */
function ownerId(kind: "user" | "group", name: string): number {
  if (name === "") return -1;
  const id = idOfName(kind, name);
  if (id === null) throw new Error(`no ${kind} of this machine is called "${name}"`);
  return id;
}

/** Tries the mode and the owners of the socket on its directory. */
function checkOwners(directory: string, { uid, gid }: { uid: number; gid: number }): void {
  if (uid < 0 && gid < 0) return;
  try {
    chownSync(directory, uid, gid);
  } catch (error) {
    const what = `listen-owner and listen-group: the program's user may not give its socket to ${uid}:${gid}`;
    throw new Error(what, { cause: error });
  }
}

function nameOf(path: string): BoundName {
  const inode = lstat(path)?.ino;
  return {
    release() {
      if (inode !== undefined && lstat(path)?.ino === inode) unlinkSync(path);
    },
  };
}

/** Says why no socket can be made in a directory, which the runtimes do not. */
function checkDirectory(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) throw new Error(`the directory "${directory}" does not exist`);
  if (!found.isDirectory()) throw new Error(`"${directory}" is not a directory`);
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    // Deno may refuse to look without the permission. Then bind says what is wrong.
    if (!["EACCES", "EROFS"].includes((error as NodeJS.ErrnoException).code ?? "")) return;
    throw new Error(`the program's user may not write to the directory "${directory}"`);
  }
}

function lstat(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

/** Connects, and returns the code of the error; `null` where a process listens. */
function connectCode(path: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once("connect", () => {
      socket.destroy();
      resolve(null);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
