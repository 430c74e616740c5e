import { mkdir, rename, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { explainSystemError } from "../net/system_error.ts";
import { makeSelfSigned } from "../tls/certificates/self_signed.ts";

interface CertOptions {
  /** The directory to write to, which is created where it is missing. */
  out: string;
  /** DNS names and IP addresses; empty for `localhost`, `127.0.0.1` and `::1`. */
  hosts: string[];
  /** Whether existing files are replaced. */
  force?: boolean;
}

/**
 * `tls-off cert`: makes a self-signed certificate and its key for development.
 *
 * @param print receives each line of the output
 * @throws {TypeError} where a host is neither a DNS name nor an IP address
 * @throws {Error} where a file is there already, or cannot be written
 */
export async function cert(options: CertOptions, print: (line: string) => void): Promise<void> {
  const hosts = options.hosts.length > 0 ? options.hosts : ["localhost", "127.0.0.1", "::1"];
  const made = await makeSelfSigned({ hosts });
  const certPath = join(options.out, "cert.pem");
  const keyPath = join(options.out, "key.pem");
  try {
    await mkdir(options.out, { recursive: true });
  } catch (error) {
    throw cannotWrite(options.out, error);
  }
  if (!options.force) {
    for (const path of [certPath, keyPath]) {
      if (await exists(path)) throw new Error(`Cannot write "${path}": file exists, and --force was not given`);
    }
  }
  await writeAll([
    { path: certPath, content: made.cert, mode: 0o644 },
    { path: keyPath, content: made.key, mode: 0o600 },
  ], options.force ?? false);
  const day = new Date(made.notAfter).toISOString().slice(0, 10);
  print(`Wrote ${certPath}: self-signed, ECDSA P-256, for ${made.hosts.join(", ")}, valid until ${day}`);
  print(`Wrote ${keyPath}: its private key, mode 0600`);
  print(`Use them: tls-off run --listen :8443 --backend unix:app.sock --cert ${certPath} --key ${keyPath}`);
  const [host] = made.hosts;
  const authority = host.includes(":") ? `[${host}]` : host.replace("*.", "www.");
  print(`and then: curl --cacert ${certPath} https://${authority}:8443/`);
}

/**
 * Writes all files or none. Files that replace others are written under another name first and then renamed, so that
 * they do not keep the old mode, and a program that reads one meanwhile never finds half of it.
 */
async function writeAll(
  files: { path: string; content: string; mode: number }[],
  replace: boolean,
): Promise<void> {
  const staged = files.map((file) => ({ ...file, now: replace ? `${file.path}.${crypto.randomUUID()}` : file.path }));
  const written: string[] = [];
  let current = "";
  try {
    for (const { path, now, content, mode } of staged) {
      current = path;
      await writeFile(now, content, { mode, flag: "wx" });
      written.push(now);
    }
    for (const { path, now } of staged) {
      current = path;
      if (now !== path) await rename(now, path);
    }
  } catch (error) {
    // A full disk leaves a part of a file, to be removed. A file that existed before belongs to someone else.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") {
      written.push(staged.find(({ path }) => path === current)!.now);
    }
    // Files that were renamed already have no such name any more, which is no failure here.
    for (const path of written) await unlink(path).catch(() => {});
    throw cannotWrite(current, error);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    // Any other error would also prevent writing the file, which then explains it.
    return false;
  }
}

function cannotWrite(path: string, error: unknown): Error {
  return new Error(`Cannot write "${path}": ${explainSystemError(error)}`, { cause: error });
}
