import { mkdir, rename, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { explainFileError } from "../tls/pem_file.ts";
import { makeSelfSigned } from "../tls/self_signed.ts";

export interface CertOptions {
  /** Directory; made where it is missing. */
  out: string;
  /** DNS names and IP addresses; empty: this machine's own, `localhost`, `127.0.0.1` and `::1`. */
  hosts: string[];
  /** Replaces files that are there. */
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
  await write(keyPath, made.key, 0o600, options.force ?? false);
  try {
    await write(certPath, made.cert, 0o644, options.force ?? false);
  } catch (error) {
    // A key alone would stand in the way of the next attempt.
    if (!options.force) await unlink(keyPath);
    throw error;
  }
  const day = new Date(made.notAfter).toISOString().slice(0, 10);
  print(`Wrote ${certPath}: self-signed, ECDSA P-256, for ${made.hosts.join(", ")}, valid until ${day}`);
  print(`Wrote ${keyPath}: its private key, mode 0600`);
  print(`Use them: tls-off run --listen :8443 --backend unix:app.sock --cert ${certPath} --key ${keyPath}`);
  const [host] = made.hosts;
  const authority = host.includes(":") ? `[${host}]` : host.replace("*.", "www.");
  print(`and then: curl --cacert ${certPath} https://${authority}:8443/`);
}

async function write(path: string, content: string, mode: number, replace: boolean): Promise<void> {
  try {
    if (!replace) return await writeFile(path, content, { mode, flag: "wx" });
    // Written beside and renamed: the old file's mode does not stay, and a running proxy never sees a half one.
    const temporary = `${path}.${crypto.randomUUID()}`;
    try {
      await writeFile(temporary, content, { mode, flag: "wx" });
      await rename(temporary, path);
    } catch (error) {
      await unlink(temporary).catch(() => {}); // Where it was not even made.
      throw error;
    }
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    // What else keeps it from being seen also keeps it from being written, which then says why.
    return false;
  }
}

function cannotWrite(path: string, error: unknown): Error {
  const detail = (error as NodeJS.ErrnoException).code === "EEXIST" ? "file exists" : explainFileError(error);
  return new Error(`Cannot write "${path}": ${detail}`, { cause: error });
}
