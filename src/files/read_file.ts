import { Buffer } from "node:buffer";
import { lstat, open } from "node:fs/promises";
import process from "node:process";
import { explainSystemError } from "../net/system_error.ts";

/** Most bytes of a configuration. A wrong path to something huge or endless must not fill the memory. */
const MAX_FILE_BYTES = 1024 * 1024;

/** A configuration file cannot be read. The message says why, without the file's name. */
export class ReadError extends Error {
  override readonly name = "ReadError";
  /** @param line the line of the bytes at fault, from 1; 0 where none are at fault */
  constructor(message: string, readonly line = 0, readonly column = 0) {
    super(message);
  }
}

/**
 * Reads a text file of at most {@linkcode MAX_FILE_BYTES}. A byte order mark is left out.
 *
 * @param what what the file holds, for the message
 * @throws {ReadError} when it is missing, a directory, unreadable, too long or not UTF-8
 */
export async function readConfigFile(path: string, what = "the configuration"): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readAtMost(path, MAX_FILE_BYTES + 1);
  } catch (error) {
    throw new ReadError(`cannot read ${what}: ${explainSystemError(error)}`);
  }
  if (bytes.length > MAX_FILE_BYTES) {
    throw new ReadError(`cannot read ${what}: longer than 1 MiB`);
  }
  return decode(bytes);
}

/**
 * As {@linkcode readConfigFile}, from standard input.
 *
 * @throws {ReadError} when it cannot be read, is too long or not UTF-8
 */
export async function readConfigInput(): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of process.stdin) {
      chunks.push(chunk);
      length += chunk.length;
      if (length > MAX_FILE_BYTES) break;
    }
  } catch (error) {
    throw new ReadError(`cannot read the configuration: ${explainSystemError(error)}`);
  }
  if (length > MAX_FILE_BYTES) throw new ReadError("cannot read the configuration: longer than 1 MiB");
  return decode(Buffer.concat(chunks));
}

async function readAtMost(path: string, limit: number): Promise<Uint8Array> {
  // Opening a FIFO that nobody writes to blocks for ever. A shell's <(…) is a link to a pipe, and so passes.
  if ((await lstat(path)).isFIFO()) throw new TypeError("is a FIFO, must be a file");
  const file = await open(path, "r");
  try {
    const buffer = Buffer.alloc(64 * 1024);
    const chunks: Uint8Array[] = [];
    for (let length = 0; length < limit;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      chunks.push(Buffer.from(buffer.subarray(0, bytesRead)));
      length += bytesRead;
    }
    return Buffer.concat(chunks);
  } finally {
    await file.close();
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const lenient = new TextDecoder().decode(bytes);
    const before = lenient.slice(0, lenient.indexOf("\uFFFD"));
    const line = before.split("\n").length;
    const isUtf16 = [0xfeff, 0xfffe].includes((bytes[0] ?? 0) << 8 | (bytes[1] ?? 0));
    throw new ReadError(
      isUtf16 ? "is UTF-16: save it as UTF-8" : "not UTF-8 text",
      line,
      before.length - before.lastIndexOf("\n"),
    );
  }
}
