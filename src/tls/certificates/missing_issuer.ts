import { type DerElement, readDer, readDerSequence, readObjectIdentifier } from "./der.ts";

const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
const AUTHORITY_INFORMATION_ACCESS = "1.3.6.1.5.5.7.1.1";
const CA_ISSUERS = "1.3.6.1.5.5.7.48.2";

/** What can be guessed of an issuer that is not there: an authority that clients know, or one between it and them. */
type IssuerGuess = "root" | "intermediate" | "unknown";

/**
 * Guesses from a certificate what its issuer is.
 *
 * 1. The authority key identifier may name the issuer's own issuer (RFC 5280 section 4.2.1.1): one that signs itself is
 *    a root.
 * 2. An issuer that calls itself a root is taken for one.
 * 3. A certificate for servers that says where its issuer's certificate can be had (section 4.2.2.1), as those of
 *    public authorities do, has an intermediate: no public root signs servers. Of an intermediate's own issuer it says
 *    nothing.
 *
 * @param der a certificate
 * @param isLeaf whether it is a server's own
 */
export function guessIssuer(der: Uint8Array, isLeaf: boolean): IssuerGuess {
  const fields = readDerSequence(readDer(readDer(der).value).value);
  const issuer = fields[fields[0].tag === 0xa0 ? 3 : 2];
  const extensions = fields.find(({ tag }) => tag === 0xa3);
  const named = authorityIssuer(readExtension(extensions, AUTHORITY_KEY_IDENTIFIER));
  if (named !== null) return sameBytes(named, issuer.bytes) ? "root" : "intermediate";
  if (/\broot\b/i.test(new TextDecoder("latin1").decode(issuer.value))) return "root";
  return isLeaf && hasCaIssuers(readExtension(extensions, AUTHORITY_INFORMATION_ACCESS)) ? "intermediate" : "unknown";
}

function readExtension(extensions: DerElement | undefined, id: string): Uint8Array | null {
  if (extensions === undefined) return null;
  for (const extension of readDerSequence(readDer(extensions.value).value)) {
    const parts = readDerSequence(extension.value);
    if (readObjectIdentifier(parts[0].value) === id) return parts[parts.length - 1].value;
  }
  return null;
}

/** The only directoryName [4] of authorityCertIssuer [1], DER. */
function authorityIssuer(extension: Uint8Array | null): Uint8Array | null {
  if (extension === null) return null;
  const names = readDerSequence(readDer(extension).value).find(({ tag }) => tag === 0xa1);
  if (names === undefined) return null;
  const directory = readDerSequence(names.value).find(({ tag }) => tag === 0xa4);
  return directory === undefined ? null : readDer(directory.value).bytes;
}

function hasCaIssuers(extension: Uint8Array | null): boolean {
  if (extension === null) return false;
  return readDerSequence(readDer(extension).value).some((description) => {
    const [method] = readDerSequence(description.value);
    return readObjectIdentifier(method.value) === CA_ISSUERS;
  });
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
