import { createPrivateKey, type KeyObject } from "node:crypto";
import { Buffer } from "node:buffer";
import { decryptKey, isEncrypted, readPassphrase } from "./encrypted_key.ts";
import { type PemBlock, writePem } from "./pem.ts";
import { describeBlocks } from "./certificate_file.ts";
import { readPemFile } from "./pem_file.ts";
import type { Problems } from "../../config/problem.ts";

/** A private key that every engine accepts. */
export interface PrivateKey {
  object: KeyObject;
  /** The key as PKCS#8 in PEM, not encrypted. It must never be logged. */
  pem: string;
  /** The kind of the key for people: `ECDSA P-256`, `RSA 2048`, `Ed25519`. */
  kind: string;
}

const SUPPORTED_KEYS = "RSA of 2048 to 8192 bits, ECDSA P-256, P-384, P-521 and Ed25519";

const CURVES: Record<string, string> = { prime256v1: "P-256", secp384r1: "P-384", secp521r1: "P-521" };
const FORMATS: Record<string, "pkcs8" | "pkcs1" | "sec1"> = {
  "PRIVATE KEY": "pkcs8",
  "RSA PRIVATE KEY": "pkcs1",
  "EC PRIVATE KEY": "sec1",
};

/** A file with the passphrase of an encrypted key. */
interface PassphraseFile {
  /** Absolute path; "" for none. */
  path: string;
  problems: Problems;
}

/** Loads the only private key of a PEM file. Where something is wrong, adds it to `problems` and returns `null`. */
export async function loadPrivateKey(
  path: string,
  problems: Problems,
  passphrase?: PassphraseFile,
): Promise<PrivateKey | null> {
  const file = await readPemFile(path, "private key", problems);
  if (!file) return null;
  const refuse = (detail: string) => {
    problems.error(`Cannot load private key "${path}": ${detail}`);
    return null;
  };
  const keys = file.blocks.filter(isPrivateKey);
  if (keys.length === 0) return refuse(`no private key in it: ${describeBlocks(file.blocks)}`);
  if (keys.length > 1) {
    return refuse(`${keys.length} private keys in it: leave the one that belongs to the certificate`);
  }
  if (file.mode & 0o006) {
    const mode = file.mode.toString(8).padStart(4, "0");
    problems.warning(`Private key "${path}" can be read by every user (mode ${mode}): use 0640 or 0600`);
  }
  const [block] = keys;
  if (block.label === "OPENSSH PRIVATE KEY") {
    return refuse(`is an OpenSSH key: convert it with "ssh-keygen -p -m PEM -f ${path}"`);
  }
  const type = FORMATS[block.label];
  const encrypted = isEncrypted(block);
  if (!type && !encrypted) return refuse(`"${block.label}" is not supported: ${SUPPORTED_KEYS} are`);
  let object: KeyObject;
  if (encrypted) {
    if (!passphrase?.path) {
      return refuse(
        `is encrypted with a passphrase: set key-passphrase-file, or decrypt it with "openssl pkey -in ${path} -out FILE.pem"`,
      );
    }
    const secret = await readPassphrase(passphrase.path, passphrase.problems);
    if (secret === null) return null;
    const decrypted = decryptKey(block, secret, passphrase.path);
    if (typeof decrypted === "string") return refuse(decrypted);
    object = decrypted;
  } else {
    if (passphrase?.path) {
      passphrase.problems.warning(
        `Passphrase "${passphrase.path}" is not used: private key "${path}" is not encrypted`,
      );
    }
    try {
      object = createPrivateKey({ key: Buffer.from(block.der), format: "der", type });
    } catch {
      // The runtime's message is left out, because it differs between runtimes and might show parts of the key.
      return refuse(`is damaged, or of a kind that is not supported: ${SUPPORTED_KEYS} are`);
    }
  }
  const kind = describeKey(object);
  if (!isSupported(object)) return refuse(`${kind} is not supported: ${SUPPORTED_KEYS} are`);
  // What is PKCS #8 already is not encoded anew: that computes the public key once more, for each of many certificates.
  const pem = type === "pkcs8" && !encrypted
    ? writePem(block.label, block.der)
    : object.export({ type: "pkcs8", format: "pem" });
  return { object, pem: pem as string, kind };
}

/** Whether a block is a private key, encrypted or not. */
export function isPrivateKey(block: PemBlock): boolean {
  return block.label.endsWith("PRIVATE KEY");
}

function describeKey(key: KeyObject): string {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
      return `RSA ${modulusLength}`;
    case "ec":
      return `ECDSA ${CURVES[namedCurve ?? ""] ?? namedCurve}`;
    case "ed25519":
      return "Ed25519";
    default:
      return `${key.asymmetricKeyType}`.toUpperCase();
  }
}

function isSupported(key: KeyObject): boolean {
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  // Deno's rustls refuses RSA keys outside of these bounds. The other runtimes take weaker keys than anyone should use.
  if (key.asymmetricKeyType === "rsa") return modulusLength >= 2048 && modulusLength <= 8192;
  return key.asymmetricKeyType === "ed25519" || namedCurve in CURVES;
}
