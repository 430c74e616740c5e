/** The files of listening Unix sockets: whether a name is free, taking it over, and removing it. */
import { lstatSync, renameSync, type Stats, unlinkSync } from "node:fs";
import { connect } from "node:net";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { threadId } from "node:worker_threads";
import { MAX_UNIX_BYTES } from "../net/address.ts";

let count = 0;

/**
 * Makes sure that no process listens there. A socket file whose process has ended is no obstacle.
 * @param path a path, or an abstract name, which begins with NUL
 * @throws {Error} a process listens there, or the file is no socket
 */
export async function checkUnixPath(path: string): Promise<void> {
  if (!path.startsWith("\0")) {
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
 * Who may connect is a matter of the file's mode, which is the umask's (unix(7)), and of its directory's.
 * @param listen binds and listens at the path given
 */
export async function bindUnixPath<Bound>(
  path: string,
  listen: (path: string) => Promise<Bound> | Bound,
): Promise<{ bound: Bound; name: BoundName }> {
  if (path.startsWith("\0")) return { bound: await listen(path), name: { release() {} } };
  const name = `.${basename(path).slice(0, 8)}.${
    [process.pid, threadId, ++count].map((n) => n.toString(36)).join(".")
  }`;
  const beside = join(dirname(path), name);
  const fits = new TextEncoder().encode(beside).length <= MAX_UNIX_BYTES;
  if (!fits && lstat(path) !== null) unlinkSync(path);
  const bound = await listen(fits ? beside : path);
  if (fits) renameSync(beside, path);
  const inode = lstat(path)?.ino;
  const release = () => {
    if (inode !== undefined && lstat(path)?.ino === inode) unlinkSync(path);
  };
  return { bound, name: { release } };
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
