/**
 * Outputs for bytes that never block the event loop. On Deno `node:fs` and `process.stderr` write synchronously, so
 * that a full pipe would stop the thread, but Deno's own files write on another thread. On Bun and Node `node:fs` and
 * `process.stderr` do not block.
 */
import { closeSync, openSync, write } from "node:fs";
import process from "node:process";
import { runtimeName } from "../runtimes/name.ts";

/** An output for bytes. A write must have ended before the next one begins. */
export interface Output {
  /**
   * Writes some of `bytes`, at least one.
   * @returns the number of bytes taken
   */
  write(bytes: Uint8Array): Promise<number>;
  /** Frees the descriptor; standard error is left open. */
  close(): Promise<void>;
}

interface DenoFile {
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
}

interface DenoFiles {
  stderr: DenoFile;
  openSync(path: string, options: { append: boolean; create: boolean; mode: number }): DenoFile;
}

const deno = runtimeName() === "deno" ? (globalThis as unknown as { Deno: DenoFiles }).Deno : null;

/** Log files may name clients, so only the owner and the group may read them. */
const LOG_FILE_MODE = 0o640;

/** Opens standard error. */
export function openStderr(): Output {
  const close = () => Promise.resolve();
  if (deno !== null) {
    const { stderr } = deno;
    return { write: (bytes) => stderr.write(bytes), close };
  }
  // The callback of the write receives the error. Without a listener the stream would throw it again.
  process.stderr.on("error", () => {});
  const write = (bytes: Uint8Array) =>
    new Promise<number>((resolve, reject) => {
      process.stderr.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  return { write, close };
}

/**
 * Opens a file to append to, and creates it where it is missing.
 * @throws {Error} when it cannot be opened
 */
export function openAppend(path: string): Output {
  if (deno !== null) {
    const file = deno.openSync(path, { append: true, create: true, mode: LOG_FILE_MODE });
    return { write: (bytes) => file.write(bytes), close: () => Promise.resolve(file.close()) };
  }
  const fd = openSync(path, "a", LOG_FILE_MODE);
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => {
        write(fd, bytes, (error, count) => error ? reject(error) : resolve(count));
      }),
    close: () => Promise.resolve(closeSync(fd)),
  };
}
