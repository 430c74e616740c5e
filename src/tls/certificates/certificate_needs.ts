import { CIPHER_SUITES } from "../ciphers.ts";
import type { ClientHello } from "../client_hello.ts";
import { readDer, readDerSequence, readObjectIdentifier } from "./der.ts";

/** The types of key that tell certificates of one name apart, in the order in which they are preferred. */
export const KEY_TYPES = ["ECDSA", "Ed25519", "RSA"] as const;
export type KeyType = typeof KEY_TYPES[number];

/** What a client has to be able to do for a certificate. Numbers as on the wire. */
export interface CertificateNeeds {
  keyType: KeyType;
  /** The key's group (RFC 8422 section 5.1.1); `null` where it is on no curve that a client lists. */
  group: number | null;
  /** Signature schemes by which the key signs a handshake, of which a client needs one; in TLS 1.3 and 1.2. */
  schemes: { "1.3": number[]; "1.2": number[] };
  /** For each certificate but self-signed ones, the schemes of which a client needs one to verify its signature. */
  signatures: number[][];
}

/** By `asymmetricKeyDetails.namedCurve`: group and scheme (RFC 8446 sections 4.2.7 and 4.2.3). */
const CURVES: Record<string, { group: number; scheme: number }> = {
  prime256v1: { group: 23, scheme: 0x0403 },
  secp384r1: { group: 24, scheme: 0x0503 },
  secp521r1: { group: 25, scheme: 0x0603 },
};
const ED25519 = 0x0807;
const RSA_PSS_RSAE = [0x0804, 0x0805, 0x0806];
const RSA_PKCS1 = [0x0401, 0x0501, 0x0601];

/** Signature algorithms of certificates, and the schemes by which a client says that it verifies them. */
const SIGNATURES: Record<string, number[]> = {
  "1.2.840.113549.1.1.5": [0x0201],
  "1.2.840.113549.1.1.10": [...RSA_PSS_RSAE, 0x0809, 0x080a, 0x080b],
  "1.2.840.113549.1.1.11": [0x0401],
  "1.2.840.113549.1.1.12": [0x0501],
  "1.2.840.113549.1.1.13": [0x0601],
  "1.2.840.10045.4.1": [0x0203],
  "1.2.840.10045.4.3.2": [0x0403],
  "1.2.840.10045.4.3.3": [0x0503],
  "1.2.840.10045.4.3.4": [0x0603],
  "1.3.101.112": [ED25519],
};

/**
 * Says what a client has to be able to do for a certificate.
 *
 * @param key the leaf's; of a kind that `private_key.ts` accepts
 * @param signed DER of the certificates whose signatures a client verifies: not those that sign themselves
 */
export function needsOf(
  key: { asymmetricKeyType?: string; asymmetricKeyDetails?: { namedCurve?: string } },
  signed: readonly Uint8Array[],
): CertificateNeeds {
  const signatures = signed.map((der) => SIGNATURES[signatureAlgorithm(der)] ?? []);
  if (key.asymmetricKeyType === "rsa") {
    const schemes = { "1.3": RSA_PSS_RSAE, "1.2": [...RSA_PSS_RSAE, ...RSA_PKCS1] };
    return { keyType: "RSA", group: null, schemes, signatures };
  }
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ""];
  const scheme = [curve?.scheme ?? ED25519];
  return {
    keyType: curve === undefined ? "Ed25519" : "ECDSA",
    group: curve?.group ?? null,
    schemes: { "1.3": scheme, "1.2": scheme },
    signatures,
  };
}

/**
 * Whether a client can use the key of a certificate.
 *
 * @param speaks13 whether the listener offers TLS 1.3
 */
export function takesKey(
  hello: ClientHello,
  { keyType, group, schemes }: CertificateNeeds,
  speaks13: boolean,
): boolean {
  const version = speaks13 && hello.versions.includes(0x0304) ? "1.3" : "1.2";
  // A client of TLS 1.2 need not say which signatures it verifies (RFC 5246 section 7.4.1.4.1).
  if (!sharesOne(schemes[version], hello.signatureAlgorithms)) return false;
  // A suite of TLS 1.3 says nothing of the certificate, and a group nothing of its key.
  if (version === "1.3") return true;
  const suites = CIPHER_SUITES[keyType === "RSA" ? "ECDHE_RSA" : "ECDHE_ECDSA"];
  return sharesOne(suites, hello.cipherSuites) && (group === null || sharesOne([group], hello.groups));
}

/** Whether a client verifies the signatures of a certificate and its chain, as far as it says so. */
export function takesSignatures(hello: ClientHello, { signatures }: CertificateNeeds): boolean {
  const verified = hello.certificateSignatureAlgorithms ?? hello.signatureAlgorithms;
  return signatures.every((schemes) => sharesOne(schemes, verified));
}

/** @param said `null`: the client has not said */
function sharesOne(own: readonly number[], said: readonly number[] | null): boolean {
  return said === null || own.some((number) => said.includes(number));
}

function signatureAlgorithm(der: Uint8Array): string {
  const [, algorithm] = readDerSequence(readDer(der).value);
  return readObjectIdentifier(readDerSequence(algorithm.value)[0].value);
}
