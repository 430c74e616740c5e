import { X509Certificate } from "node:crypto";
import { readDer, readDerSequence } from "./der.ts";
import { type CertificateNames, readCertificateNames } from "./certificate_names.ts";
import { type PemBlock, writePem } from "./pem.ts";
import { type PemFile, readPemFile } from "./pem_file.ts";
import type { Problems } from "../../config/problem.ts";

/** One parsed certificate. */
export interface Certificate {
  x509: X509Certificate;
  names: CertificateNames;
  /** Of X.509, from 1. */
  version: number;
  /** The certificate in PEM, without others. */
  pem: string;
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
}

/**
 * Loads every certificate of a PEM file, in the order of the file. Where something is wrong, adds it to `problems` and
 * returns `null`.
 *
 * @param what what the file should hold, for the message: `certificate` or `CA certificates`
 */
export async function loadCertificateFile(
  path: string,
  what: string,
  problems: Problems,
): Promise<{ file: PemFile; certificates: Certificate[] } | null> {
  const file = await readPemFile(path, what, problems);
  if (!file) return null;
  const refuse = (detail: string) => {
    problems.error(`Cannot load ${what} "${path}": ${detail}`);
    return null;
  };
  const blocks = file.blocks.filter(({ label }) => label === "CERTIFICATE" || label === "X509 CERTIFICATE");
  if (blocks.length === 0) return refuse(`no certificate in it: ${describeBlocks(file.blocks)}`);
  const certificates: Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(parseCertificate(block.der));
    } catch {
      return refuse(`certificate number ${index + 1} of ${blocks.length} is damaged`);
    }
  }
  return { file, certificates };
}

/**
 * Parses one certificate.
 *
 * @throws {Error} where `der` is not a certificate
 */
export function parseCertificate(der: Uint8Array): Certificate {
  const x509 = new X509Certificate(der);
  return {
    x509,
    names: readCertificateNames(der),
    version: readVersion(der),
    pem: writePem("CERTIFICATE", der),
    notBefore: Date.parse(x509.validFrom),
    notAfter: Date.parse(x509.validTo),
  };
}

/** Reads the X.509 version (RFC 5280 section 4.1.2.1): the first field, which version 1 does not have. */
function readVersion(der: Uint8Array): number {
  const [field] = readDerSequence(readDerSequence(readDer(der).value)[0].value);
  return field.tag === 0xa0 ? readDer(field.value).value[0] + 1 : 1;
}

/** Says what a file has instead of what it should have, such as `it holds a private key`. */
export function describeBlocks(blocks: PemBlock[]): string {
  const names = new Set(blocks.map(({ label }) => {
    if (label.endsWith("PRIVATE KEY")) return "a private key";
    if (label.endsWith("CERTIFICATE REQUEST")) return "a certificate request (CSR), which a CA has yet to sign";
    if (label === "CERTIFICATE" || label === "X509 CERTIFICATE") return "a certificate";
    if (label.endsWith("PUBLIC KEY")) return "a public key";
    if (label === "X509 CRL") return "a revocation list (CRL)";
    if (label === "PKCS7") return "a PKCS#7 bundle";
    return `"${label}"`;
  }));
  return names.size === 0 ? "it holds no whole block" : `it holds ${[...names].join(" and ")}`;
}

/** Writes the subject in one line for messages and logs, such as `CN=localhost`. */
export function describeSubject({ x509, names }: Certificate): string {
  // On Node an empty subject is undefined.
  return describeName(x509.subject ?? "") || printable(names.dnsNames[0] ?? "") || "certificate without a subject";
}

/** Writes the issuer as {@linkcode describeSubject} does the subject. */
export function describeIssuer({ x509 }: Certificate): string {
  return describeName(x509.issuer ?? "") || "issuer without a name";
}

/** Replaces control characters, so that a certificate cannot begin a line of the log, and bounds the length. */
export function printable(text: string): string {
  // deno-lint-ignore no-control-regex
  const clean = text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, "?");
  return clean.length > 200 ? `${clean.slice(0, 200)}…` : clean;
}

function describeName(name: string): string {
  return printable(name.replaceAll("\n", ", "));
}
