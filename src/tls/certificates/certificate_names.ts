import type { PeerCertificate } from "../tls_info.ts";
import { type DerElement, readDer, readDerSequence, readObjectIdentifier } from "./der.ts";

const COMMON_NAME = "2.5.4.3";
const SUBJECT_ALT_NAME = "2.5.29.17";
const EXTENDED_KEY_USAGE = "2.5.29.37";

/** What a certificate says about its subject. */
export interface CertificateNames {
  /** The last common name of the subject, which is the most specific; "" for none. */
  commonName: string;
  dnsNames: string[];
  uris: string[];
  /** Object identifiers; `null` where the extension is absent, so that any use is allowed. */
  extendedKeyUsage: string[] | null;
  /** Object identifiers of the extensions that whoever does not know them must not ignore (RFC 5280 section 4.2). */
  criticalExtensions: string[];
}

/**
 * Reads the names out of a certificate (RFC 5280 section 4.1).
 *
 * Runtimes give the alternative names as one string, `DNS:a, DNS:b`, and not all of them quote: a name that contains `,
 * URI:spiffe://admin` then looks like two names (CVE-2021-44532). So the names that authorise are read from the bytes.
 *
 * @throws {SyntaxError} where `der` is not a certificate
 */
export function readCertificateNames(der: Uint8Array): CertificateNames {
  const tbs = readDerSequence(readDer(readDer(der).value).value);
  // version [0] is optional; then serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo.
  const first = tbs[0]?.tag === 0xa0 ? 1 : 0;
  const subject = tbs[first + 4];
  if (subject?.tag !== 0x30 || tbs[first + 5]?.tag !== 0x30) {
    throw new SyntaxError("Cannot read certificate: no subject");
  }
  const names: CertificateNames = {
    commonName: "",
    dnsNames: [],
    uris: [],
    extendedKeyUsage: null,
    criticalExtensions: [],
  };
  for (const set of readDerSequence(subject.value)) {
    for (const attribute of readDerSequence(set.value)) {
      const [type, value] = readDerSequence(attribute.value);
      if (value && readObjectIdentifier(type.value) === COMMON_NAME) names.commonName = readText(value);
    }
  }
  const extensions = tbs.slice(first + 6).find((element) => element.tag === 0xa3);
  if (!extensions) return names;
  for (const extension of readDerSequence(readDer(extensions.value).value)) {
    const parts = readDerSequence(extension.value);
    const content = parts[parts.length - 1];
    if (parts.length < 2 || content.tag !== 0x04) throw new SyntaxError("Cannot read certificate: invalid extension");
    const id = readObjectIdentifier(parts[0].value);
    // `critical` is FALSE by default, and then absent.
    if (parts.length === 3 && parts[1].value[0] !== 0) names.criticalExtensions.push(id);
    if (id === SUBJECT_ALT_NAME) readAlternativeNames(content.value, names);
    else if (id === EXTENDED_KEY_USAGE) {
      names.extendedKeyUsage = readDerSequence(readDer(content.value).value).map((use) =>
        readObjectIdentifier(use.value)
      );
    }
  }
  return names;
}

/**
 * Reads what authorisation, logs and the PROXY protocol need of a client's certificate.
 *
 * @param der the certificate, which the engine has verified
 * @throws {SyntaxError} where `der` is not a certificate
 */
export function readPeerCertificate(der: Uint8Array): PeerCertificate {
  const { commonName, dnsNames, uris } = readCertificateNames(der);
  return { commonName, dnsNames, uris, der };
}

/** GeneralNames (RFC 5280 section 4.2.1.6): dNSName is [2], uniformResourceIdentifier [6], both IA5String. */
function readAlternativeNames(bytes: Uint8Array, names: CertificateNames): void {
  for (const name of readDerSequence(readDer(bytes).value)) {
    if (name.tag === 0x82) names.dnsNames.push(latin1(name.value));
    else if (name.tag === 0x86) names.uris.push(latin1(name.value));
  }
}

function readText({ tag, value }: DerElement): string {
  if (tag === 0x0c) return new TextDecoder().decode(value);
  if (tag === 0x1e) return new TextDecoder("utf-16be").decode(value);
  return latin1(value);
}

/** Decodes ISO 8859-1 byte by byte, because `TextDecoder("latin1")` decodes windows-1252. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
