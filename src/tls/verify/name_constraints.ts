import { type DerElement, readDer, readDerSequence } from "../certificates/der.ts";
import type { PathCertificate } from "./certificate.ts";
import { comparableRelativeName, readRelativeNames } from "./distinguished_name.ts";

const SUBJECT_ALT_NAME = "2.5.29.17";
const NAME_CONSTRAINTS = "2.5.29.30";
const COMMON_NAME = "2.5.4.3";
const EMAIL_ADDRESS = "1.2.840.113549.1.9.1";

/** Tags of a GeneralName (RFC 5280 section 4.2.1.6), without the bits that say how it is encoded. */
const Kind = { email: 1, dns: 2, directory: 4, uri: 6, ip: 7 } as const;

/** A name of a certificate, or a subtree that constrains names. */
interface GeneralName {
  kind: number;
  /** The value of the element; of a directory name the Name inside. */
  value: Uint8Array;
}

/** How many comparisons (names times subtrees) one certificate may cause. No honest one needs as many. */
const MOST_COMPARISONS = 10_000;

/**
 * Says why the name constraints of an authority (RFC 5280 section 4.2.1.10) forbid the names of a certificate below it;
 * `null` where they do not. A name of a kind that is constrained, and that cannot be compared here, is forbidden.
 */
export function constraintViolation(authority: PathCertificate, certificate: PathCertificate): string | null {
  const extension = authority.extensions.get(NAME_CONSTRAINTS);
  if (extension === undefined) return null;
  const parts = readDerSequence(readDer(extension.value).value);
  const permitted = readSubtrees(parts.find(({ tag }) => tag === 0xa0));
  const excluded = readSubtrees(parts.find(({ tag }) => tag === 0xa1));
  const names = namesOf(certificate);
  if (names.length * (permitted.length + excluded.length) > MOST_COMPARISONS) return "it has too many names to compare";
  for (const name of names) {
    const wanted = permitted.filter(({ kind }) => kind === name.kind);
    if (wanted.length > 0 && !wanted.some((subtree) => isWithin(name, subtree, false) === true)) {
      return `${describe(name)} is not permitted by the authority "${authority.title}"`;
    }
    for (const subtree of excluded) {
      // A name that cannot be compared counts as excluded.
      if (subtree.kind === name.kind && isWithin(name, subtree, true) !== false) {
        return `${describe(name)} is excluded by the authority "${authority.title}"`;
      }
    }
  }
  return null;
}

function readSubtrees(element: DerElement | undefined): GeneralName[] {
  if (element === undefined) return [];
  return readDerSequence(element.value).map((subtree) => {
    const [base, ...bounds] = readDerSequence(subtree.value);
    // "minimum MUST be zero, and maximum MUST be absent"; DER leaves zero out.
    if (bounds.length > 0) throw new SyntaxError("a name constraint with a minimum or maximum");
    return generalName(base);
  });
}

function generalName({ tag, value }: DerElement): GeneralName {
  const kind = tag & 0x1f;
  return { kind, value: kind === Kind.directory ? readDer(value).bytes : value };
}

/** Lists every name that constraints are about: the subject, hosts and addresses in it, and the alternative names. */
function namesOf(certificate: PathCertificate): GeneralName[] {
  const names: GeneralName[] = [];
  const relative = readRelativeNames(readDer(certificate.subjectDer));
  if (relative.length > 0) names.push({ kind: Kind.directory, value: certificate.subjectDer });
  for (const { type, value } of relative.flat()) {
    const bytes = new TextEncoder().encode(value);
    if (type === EMAIL_ADDRESS) names.push({ kind: Kind.email, value: bytes });
    // Some programs take a common name that reads like a host for one.
    if (type === COMMON_NAME && /^[a-z0-9_*-]+(\.[a-z0-9_-]+)+$/.test(value)) {
      names.push({ kind: Kind.dns, value: bytes });
    }
  }
  const alternative = certificate.extensions.get(SUBJECT_ALT_NAME);
  if (alternative === undefined) return names;
  return [...names, ...readDerSequence(readDer(alternative.value).value).map(generalName)];
}

/** Whether a name is in a subtree of its kind; `null` where that cannot be told. */
function isWithin({ kind, value }: GeneralName, subtree: GeneralName, excluding: boolean): boolean | null {
  switch (kind) {
    case Kind.dns:
      return isHostWithin(text(value), text(subtree.value), excluding);
    case Kind.email:
      return isEmailWithin(text(value), text(subtree.value));
    case Kind.uri:
      return isUriWithin(text(value), text(subtree.value));
    case Kind.ip:
      return isIpWithin(value, subtree.value);
    case Kind.directory:
      return isDirectoryWithin(value, subtree.value);
    default:
      return null;
  }
}

/**
 * "Any DNS name that can be constructed by adding zero or more labels to the left-hand side satisfies the constraint."
 */
function isHostWithin(name: string, base: string, excluding: boolean): boolean {
  if (base === "" || name === base) return true;
  const suffix = base.startsWith(".") ? base : `.${base}`;
  if (name.endsWith(suffix) || (excluding && `.${name}` === suffix)) return true;
  // A wildcard stands for names that may be excluded.
  return excluding && name.startsWith("*.") && suffix.endsWith(name.slice(1));
}

function isEmailWithin(name: string, base: string): boolean | null {
  const at = name.lastIndexOf("@");
  if (at < 0) return null;
  if (base.includes("@")) return name === base;
  const host = name.slice(at + 1);
  return base.startsWith(".") ? host.endsWith(base) : host === base;
}

/** The constraint applies to the host. A URI without one cannot be compared. */
function isUriWithin(uri: string, base: string): boolean | null {
  const [, authority] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/.exec(uri) ?? [];
  const host = authority?.replace(/^.*@/, "").replace(/:\d*$/, "").replace(/\.$/, "");
  if (!host || host.startsWith("[") || /^[\d.]+$/.test(host)) return null;
  return base.startsWith(".") ? host.endsWith(base) : host === base;
}

/** The subtree is an address and its mask. */
function isIpWithin(address: Uint8Array, subtree: Uint8Array): boolean | null {
  if (subtree.length !== 8 && subtree.length !== 32) return null;
  const size = subtree.length / 2;
  if (address.length !== size) return false;
  return address.every((byte, index) => ((byte ^ subtree[index]) & subtree[size + index]) === 0);
}

function isDirectoryWithin(name: Uint8Array, base: Uint8Array): boolean {
  const relative = (der: Uint8Array) => readRelativeNames(readDer(der)).map(comparableRelativeName);
  const [own, wanted] = [relative(name), relative(base)];
  return wanted.length <= own.length && wanted.every((part, index) => part === own[index]);
}

/** Names are compared without case, and without the dot of the root. */
function text(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text.toLowerCase().replace(/\.$/, "");
}

function describe({ kind, value }: GeneralName): string {
  if (kind === Kind.dns || kind === Kind.email || kind === Kind.uri) return JSON.stringify(text(value).slice(0, 255));
  return kind === Kind.directory ? "its subject" : kind === Kind.ip ? "its IP address" : "a name of it";
}
