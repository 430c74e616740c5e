/**
 * Byte sinks that never block the event loop. On Deno `node:fs` and `process.stderr` write synchronously, so that a full
 * pipe would stop the thread; Deno's own files write on another thread. On Bun and Node the `node:` ways do.
 */
import { open } from "node:fs/promises";
import process from "node:process";

/** Somewhere to write bytes. One write at a time. */
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
  open(path: string, options: { append: boolean; create: boolean; mode: number }): Promise<DenoFile>;
}

const deno = (globalThis as { Deno?: DenoFiles }).Deno;

/** Log files may name clients: readable for the owner and the group. */
const LOG_FILE_MODE = 0o640;

/** Standard error. */
export function openStderr(): Output {
  const close = () => Promise.resolve();
  if (deno) {
    const { stderr } = deno;
    return { write: (bytes) => stderr.write(bytes), close };
  }
  // The write's callback has the error; without a listener the stream would throw it again.
  process.stderr.on("error", () => {});
  const write = (bytes: Uint8Array) =>
    new Promise<number>((resolve, reject) => {
      process.stderr.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  return { write, close };
}

/**
 * Opens a file to append to, and makes it where it is missing.
 * @throws {Error} when it cannot be opened
 */
export async function openAppend(path: string): Promise<Output> {
  if (deno) {
    const file = await deno.open(path, { append: true, create: true, mode: LOG_FILE_MODE });
    return { write: (bytes) => file.write(bytes), close: () => Promise.resolve(file.close()) };
  }
  const file = await open(path, "a", LOG_FILE_MODE);
  return { write: async (bytes) => (await file.write(bytes)).bytesWritten, close: () => file.close() };
}
