import { constants, type KeyObject, verify } from "node:crypto";
import { readDer, readDerSequence, readObjectIdentifier } from "../certificates/der.ts";
import type { PathCertificate } from "./certificate.ts";

/** The signature algorithms that are accepted, and the hash of each. None with SHA-1 or a weaker hash is among them. */
const HASHES: Record<string, { hash: string | null; key: "rsa" | "ec" | "ed25519" }> = {
  "1.2.840.113549.1.1.11": { hash: "sha256", key: "rsa" },
  "1.2.840.113549.1.1.12": { hash: "sha384", key: "rsa" },
  "1.2.840.113549.1.1.13": { hash: "sha512", key: "rsa" },
  "1.2.840.10045.4.3.2": { hash: "sha256", key: "ec" },
  "1.2.840.10045.4.3.3": { hash: "sha384", key: "ec" },
  "1.2.840.10045.4.3.4": { hash: "sha512", key: "ec" },
  "1.3.101.112": { hash: null, key: "ed25519" },
};
const RSASSA_PSS = "1.2.840.113549.1.1.10";
/** Hashes that RSASSA-PSS (RFC 4055 section 3.1) may name. */
const PSS_HASHES: Record<string, string> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};

const LEAST_RSA_BITS = 2048;
/** Most bits of an RSA key. Verifying with a larger one would take more time than a client may cost. */
const MOST_RSA_BITS = 8192;
const CURVES = ["prime256v1", "secp384r1", "secp521r1"];

/** What is signed, how, and the signature; of a certificate or a revocation list. */
export type Signed = Pick<PathCertificate, "tbs" | "signatureAlgorithm" | "signature">;

/** Says why a key is too weak, or of a kind that cannot be verified here; `null` where it can be used. */
export function weaknessOfKey(key: KeyObject): string | null {
  const { modulusLength = 0, namedCurve = "" } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
    case "rsa-pss":
      return modulusLength >= LEAST_RSA_BITS && modulusLength <= MOST_RSA_BITS
        ? null
        : `its RSA key has ${modulusLength} bits, not ${LEAST_RSA_BITS} to ${MOST_RSA_BITS}`;
    case "ec":
      return CURVES.includes(namedCurve) ? null : `its key is on the curve ${namedCurve}`;
    case "ed25519":
      return null;
    default:
      return `its key is of the kind ${key.asymmetricKeyType}`;
  }
}

/** Says why the algorithm of a signature is not accepted; `null` where it is. */
export function weaknessOfSignature(signed: Signed): string | null {
  return readAlgorithm(signed) === null ? `it is signed with ${algorithmName(signed)}` : null;
}

/** Whether `key` made the signature. It is false also where the algorithm is not accepted, or the runtime lacks it. */
export function isSignedBy(signed: Signed, key: KeyObject): boolean {
  const algorithm = readAlgorithm(signed);
  if (algorithm === null) return false;
  const { hash, padding } = algorithm;
  const kind = key.asymmetricKeyType === "rsa-pss" ? "rsa" : key.asymmetricKeyType;
  if (kind !== algorithm.key) return false;
  try {
    return padding === undefined
      ? verify(hash, signed.tbs, key, signed.signature)
      : verify(hash, signed.tbs, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_AUTO }, signed.signature);
  } catch {
    // A signature that the runtime cannot verify counts as not verified.
    return false;
  }
}

function readAlgorithm({ signatureAlgorithm }: Signed): { hash: string | null; key: string; padding?: number } | null {
  const [id, parameters] = readDerSequence(signatureAlgorithm.value);
  const name = readObjectIdentifier(id.value);
  if (name !== RSASSA_PSS) return HASHES[name] ?? null;
  // hashAlgorithm [0]. Where it is absent, SHA-1 is meant.
  const hash = parameters && readDerSequence(parameters.value).find(({ tag }) => tag === 0xa0);
  if (!hash) return null;
  const [hashId] = readDerSequence(readDer(hash.value).value);
  const found = PSS_HASHES[readObjectIdentifier(hashId.value)];
  return found === undefined ? null : { hash: found, key: "rsa", padding: constants.RSA_PKCS1_PSS_PADDING };
}

const WEAK_NAMES: Record<string, string> = {
  "1.2.840.113549.1.1.4": "MD5 and RSA",
  "1.2.840.113549.1.1.5": "SHA-1 and RSA",
  "1.2.840.10045.4.1": "SHA-1 and ECDSA",
  [RSASSA_PSS]: "RSASSA-PSS and a hash that is not believed",
};

function algorithmName({ signatureAlgorithm }: Signed): string {
  const id = readObjectIdentifier(readDerSequence(signatureAlgorithm.value)[0].value);
  return WEAK_NAMES[id] ?? `the algorithm ${id}`;
}
