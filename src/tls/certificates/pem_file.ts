import { open } from "node:fs/promises";
import { explainSystemError } from "../../net/system_error.ts";
import { type PemBlock, readPem } from "./pem.ts";
import type { Problems } from "../../config/problem.ts";

/** Most bytes of a file. One with a long chain has 20 KiB, a bundle of every public CA 200 KiB. */
const MAX_FILE_BYTES = 1024 * 1024;

export interface PemFile {
  path: string;
  blocks: PemBlock[];
  /** The permission bits, such as 0o640. */
  mode: number;
}

/**
 * Reads a PEM file. Where something is wrong, adds it to `problems` and returns `null`.
 *
 * @param what what the file should hold, for the message: `certificate`, `private key`, `CA certificates`
 */
export async function readPemFile(path: string, what: string, problems: Problems): Promise<PemFile | null> {
  const refuse = (detail: string) => {
    problems.error(`Cannot load ${what} "${path}": ${detail}`);
    return null;
  };
  let bytes: Uint8Array, mode: number;
  try {
    ({ bytes, mode } = await readBounded(path));
  } catch (error) {
    return refuse(explainSystemError(error));
  }
  if (bytes.length === 0) return refuse("file is empty");
  const text = new TextDecoder().decode(bytes);
  if (!text.includes("-----BEGIN ")) return refuse(explainNotPem(bytes, path));
  try {
    return { path, blocks: readPem(text), mode };
  } catch (error) {
    if (error instanceof SyntaxError) return refuse(error.message);
    throw error;
  }
}

/**
 * Reads a regular file of bounded size.
 *
 * @throws {Error} what the file system says, or why the file is not taken
 */
export async function readBounded(
  path: string,
  maxBytes = MAX_FILE_BYTES,
): Promise<{ bytes: Uint8Array; mode: number }> {
  // Without O_NONBLOCK (04000 on Linux), opening a FIFO that nobody writes to would block for ever.
  const handle = await open(path, 0o4000);
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) throw new TypeError("is a directory");
    if (!stat.isFile()) throw new TypeError("is not a regular file");
    if (stat.size > maxBytes) throw new RangeError(`file has ${stat.size} bytes, more than ${maxBytes}`);
    // The buffer has one byte more than the file, to notice that the file grows.
    const buffer = new Uint8Array(stat.size + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < buffer.length; length += count) {
      count = (await handle.read(buffer, length, buffer.length - length, null)).bytesRead;
    }
    if (length > stat.size) throw new RangeError("file is being written");
    return { bytes: buffer.subarray(0, length), mode: stat.mode & 0o777 };
  } finally {
    await handle.close();
  }
}

/** Says what a file is instead of PEM. */
function explainNotPem(bytes: Uint8Array, path: string): string {
  if (bytes[0] !== 0x30 || bytes.length < 16) return `no "-----BEGIN" line found: not a PEM file`;
  const header = bytes[1] > 0x80 ? 2 + (bytes[1] & 0x7f) : 2;
  // A certificate begins with a SEQUENCE. Keys and PKCS#12 (RFC 7292, version 3) begin with an INTEGER, their version.
  const version = bytes[header] === 0x02 ? bytes[header + 2] : null;
  if (version === 3) {
    return `is PKCS#12 (.p12, .pfx), not PEM: convert it with "openssl pkcs12 -in ${path} -nodes -out FILE.pem"`;
  }
  const command = version === null ? "x509" : "pkey";
  return `is DER (binary), not PEM: convert it with "openssl ${command} -inform DER -in ${path} -out FILE.pem"`;
}
