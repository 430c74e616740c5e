import { createPrivateKey, type KeyObject } from "node:crypto";
import { Buffer } from "node:buffer";
import { explainSystemError } from "../../net/system_error.ts";
import type { Problems } from "../../config/problem.ts";
import { RUNTIME_TITLES } from "../capabilities.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { type PemBlock, writePem } from "./pem.ts";
import { readBounded } from "./pem_file.ts";

/** The longest passphrase; OpenSSL's prompt takes no longer one. */
const MAX_PASSPHRASE_BYTES = 1024;

/** Whether a private key is encrypted: as PKCS #8 (RFC 5958 section 3), or in the older way of RFC 1421. */
export function isEncrypted({ label, headers }: PemBlock): boolean {
  return label === "ENCRYPTED PRIVATE KEY" || /^Proc-Type:.*ENCRYPTED/m.test(headers);
}

/**
 * Reads the passphrase of a private key: the file's bytes without the line's end.
 *
 * @returns `null` where something is wrong, which is added to `problems`
 */
export async function readPassphrase(path: string, problems: Problems): Promise<Buffer | null> {
  const refuse = (detail: string) => {
    problems.error(`Cannot load passphrase "${path}": ${detail}`);
    return null;
  };
  let bytes: Uint8Array, mode: number;
  try {
    ({ bytes, mode } = await readBounded(path, MAX_PASSPHRASE_BYTES + 2));
  } catch (error) {
    return refuse(explainSystemError(error));
  }
  const end = bytes.at(-1) !== 0x0a ? 0 : bytes.at(-2) === 0x0d ? 2 : 1;
  const passphrase = Buffer.from(bytes.subarray(0, bytes.length - end));
  if (passphrase.length === 0) return refuse("file is empty");
  if (passphrase.length > MAX_PASSPHRASE_BYTES) return refuse(`it is longer than ${MAX_PASSPHRASE_BYTES} bytes`);
  if (passphrase.includes(0x0a)) return refuse("file has several lines: must be the passphrase alone");
  if (mode & 0o006) {
    const text = mode.toString(8).padStart(4, "0");
    problems.warning(`Passphrase "${path}" can be read by every user (mode ${text}): use 0640 or 0600`);
  }
  return passphrase;
}

/**
 * Decrypts a private key.
 *
 * @returns the key, or why there is none, for people. Neither has the passphrase in it
 */
export function decryptKey(block: PemBlock, passphrase: Buffer, passphraseFile: string): KeyObject | string {
  try {
    return createPrivateKey({ key: writePem(block.label, block.der, block.headers), format: "pem", passphrase });
  } catch (error) {
    const { code = "", message = "" } = error as { code?: string; message?: string };
    // A wrong passphrase may, once in some hundreds, decrypt to what only looks wrong later.
    if (!/unsupported/i.test(`${code} ${message}`)) return `the passphrase in "${passphraseFile}" is wrong`;
    const runtime = RUNTIME_TITLES[runtimeName()];
    return `the passphrase in "${passphraseFile}" is wrong, or ${runtime} does not know how it is encrypted: ` +
      `"openssl pkcs8 -topk8" encrypts in a way that it knows`;
  }
}
