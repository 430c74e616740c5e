import { lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";

/**
 * Makes room for a Unix socket: removes what a process left that is gone. An abstract name needs none.
 * @throws {Error} when somebody listens there, or it is something else than a socket
 */
export async function prepareSocketPath(path: string): Promise<void> {
  if (path.startsWith("\0")) return;
  let found;
  try {
    found = lstatSync(path);
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return;
    throw error;
  }
  if (!found.isSocket()) throw new Error(`Cannot listen on "unix:${path}": it is not a socket`);
  if (await isServed(path)) throw new Error(`Cannot listen on "unix:${path}": another process does`);
  unlinkSync(path);
}

/** Removes the socket of a server that has closed. */
export function removeSocketPath(path: string): void {
  if (path.startsWith("\0")) return;
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path);
  } catch (error) {
    // The server may have done it itself.
    if ((error as { code?: string }).code !== "ENOENT") throw error;
  }
}

function isServed(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: Error & { code?: string }) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOENT") resolve(false);
      else if (error.code === "EAGAIN") resolve(true);
      else reject(error);
    });
  });
}
