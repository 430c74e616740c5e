import type { KeyObject } from "node:crypto";
import { type DerElement, readDer, readDerSequence, readObjectIdentifier } from "../certificates/der.ts";
import { describeSubject, parseCertificate } from "../certificates/certificate_file.ts";
import { readDistinguishedName } from "./distinguished_name.ts";

/** One extension (RFC 5280 section 4.2). */
interface Extension {
  critical: boolean;
  /** The DER inside its OCTET STRING. */
  value: Uint8Array;
}

/** The parts of a certificate that verifying a path looks at (RFC 5280 section 4.1). */
export interface PathCertificate {
  der: Uint8Array;
  /** For messages, without control characters and of bounded length. */
  title: string;
  /** 1, 2 or 3. */
  version: number;
  /** As {@linkcode serialNumber} writes it. */
  serial: string;
  /** In a form in which equal names are equal texts. */
  subject: string;
  issuer: string;
  /** The subject's Name, DER. */
  subjectDer: Uint8Array;
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
  publicKey: KeyObject;
  /** By object identifier. */
  extensions: ReadonlyMap<string, Extension>;
  /** What is signed, how, and the signature. */
  tbs: Uint8Array;
  signatureAlgorithm: DerElement;
  signature: Uint8Array;
}

/**
 * Reads a certificate for {@linkcode verifyPath}.
 *
 * @throws {Error} where it is no certificate, or has what RFC 5280 forbids: two extensions of a kind, two different
 * algorithms
 */
export function readPathCertificate(der: Uint8Array): PathCertificate {
  const whole = readDer(der);
  const parts = readDerSequence(whole.value);
  const [tbs, signatureAlgorithm, signature] = parts;
  // The part that the signature does not cover must have one form only, so that the same certificate always has the
  // same bytes.
  if (whole.tag !== 0x30 || whole.bytes.length !== der.length || parts.length !== 3 || tbs.tag !== 0x30) {
    throw new SyntaxError("no certificate");
  }
  const fields = readDerSequence(tbs.value);
  const hasVersion = fields[0].tag === 0xa0;
  const version = hasVersion ? readDer(fields[0].value).value[0] + 1 : 1;
  const [serial, algorithm, issuer, _validity, subject] = fields.slice(hasVersion ? 1 : 0);
  // Who changed the outer algorithm alone would decide how the signature is verified (section 4.1.1.2).
  if (!equalBytes(algorithm.bytes, signatureAlgorithm.bytes)) throw new SyntaxError("two signature algorithms");
  if (signature.tag !== 0x03 || signature.value[0] !== 0) throw new SyntaxError("no signature");
  const parsed = parseCertificate(der);
  return {
    der,
    title: describeSubject(parsed),
    version,
    serial: serialNumber(serial.value),
    subject: readDistinguishedName(subject),
    issuer: readDistinguishedName(issuer),
    subjectDer: subject.bytes,
    notBefore: parsed.notBefore,
    notAfter: parsed.notAfter,
    publicKey: parsed.x509.publicKey,
    extensions: readExtensions(fields.find(({ tag }) => tag === 0xa3)),
    tbs: tbs.bytes,
    signatureAlgorithm,
    signature: signature.value.subarray(1),
  };
}

function readExtensions(element: DerElement | undefined): Map<string, Extension> {
  const extensions = new Map<string, Extension>();
  if (element === undefined) return extensions;
  for (const extension of readDerSequence(readDer(element.value).value)) {
    const parts = readDerSequence(extension.value);
    const id = readObjectIdentifier(parts[0].value);
    const content = parts[parts.length - 1];
    if (content.tag !== 0x04) throw new SyntaxError("an extension without a value");
    if (extensions.has(id)) throw new SyntaxError(`two extensions ${id}`);
    extensions.set(id, { critical: parts.length === 3 && parts[1].value[0] !== 0, value: content.value });
  }
  return extensions;
}

/** Whether two byte strings are equal. The time that it takes depends on them: it is not for secrets. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** A serial number as a text, the same for each form that it may have. */
export function serialNumber(integer: Uint8Array): string {
  return hex(integer).replace(/^(00)+(?=..)/, "");
}

function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
