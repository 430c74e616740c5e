import { readDer, readDerSequence, readObjectIdentifier } from "../certificates/der.ts";
import { equalBytes, type PathCertificate } from "./certificate.ts";
import { constraintViolation } from "./name_constraints.ts";
import { isSignedBy, weaknessOfKey, weaknessOfSignature } from "./signature.ts";
import { type VerificationClass, VerificationError } from "./verification_error.ts";

/** How many certificates may be above the leaf, the anchor included. Public authorities have two or three. */
const MOST_AUTHORITIES = 16;
/** How many signatures are verified for one client, also where it shows many authorities of the same name. */
const MOST_SIGNATURES = 32;

const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
/** The bits of keyUsage. The first bit of the first octet is number 0. */
const Usage = { digitalSignature: 0, keyAgreement: 4, keyCertSign: 5 } as const;

/**
 * Critical extensions that are understood here, or say nothing that verifying has to heed: key usage, alternative
 * names, constraints, policies (none is asked for), distribution points, key identifiers.
 */
const UNDERSTOOD = new Set(
  ["14", "15", "17", "18", "19", "30", "31", "32", "35", "37"].map((last) => `2.5.29.${last}`),
);

/** The path from a client's certificate to a trusted authority. */
export interface Path {
  /** The leaf first, the anchor last; the leaf alone where that is trusted itself. */
  certificates: PathCertificate[];
}

/**
 * Verifies a client's certificate (RFC 5280 section 6): finds a path over the authorities that it has shown to a
 * trusted one, on which every signature, date, use and constraint is right. The work is bounded.
 *
 * @param leaf the client's certificate
 * @param shown what the client showed beside it
 * @param anchors the trusted authorities
 * @param nowMs milliseconds since the epoch
 * @throws {VerificationError} where there is no such path. It says what was wrong with the last one that was tried
 */
export function verifyPath(
  leaf: PathCertificate,
  shown: readonly PathCertificate[],
  anchors: readonly PathCertificate[],
  nowMs: number,
): Path {
  checkLeaf(leaf, nowMs);
  // A certificate that is itself among the authorities is trusted.
  if (anchors.some(({ der }) => equalBytes(der, leaf.der))) return { certificates: [leaf] };
  const search = { left: MOST_SIGNATURES, failure: null as VerificationError | null };
  const found = extend([leaf]);
  if (found !== null) return { certificates: found };
  throw search.failure ?? new VerificationError(
    "certificate-unknown-authority",
    `"${leaf.title}" was issued by nobody in client-auth.ca, nor by an authority that the client has shown`,
  );

  /** Finds the whole path that begins with `path`; `null` where no authority is right. */
  function extend(path: PathCertificate[]): PathCertificate[] | null {
    const last = path[path.length - 1];
    for (const candidate of anchors) {
      if (candidate.subject !== last.issuer || !tryStep(path, candidate)) continue;
      if (attempt(() => checkConstraints([...path, candidate]), candidate)) return [...path, candidate];
    }
    if (path.length >= MOST_AUTHORITIES) {
      return fail("certificate-constraint", `more than ${MOST_AUTHORITIES} authorities`);
    }
    for (const candidate of shown) {
      if (candidate.subject !== last.issuer || path.some(({ der }) => equalBytes(der, candidate.der))) continue;
      if (!tryStep(path, candidate)) continue;
      const whole = extend([...path, candidate]);
      if (whole !== null) return whole;
    }
    return null;
  }

  function tryStep(path: PathCertificate[], issuer: PathCertificate): boolean {
    if (search.left === 0) return fail("certificate-constraint", "too many signatures to verify") !== null;
    search.left--;
    return attempt(() => checkStep(path, issuer, nowMs), issuer);
  }

  function attempt(check: () => void, issuer: PathCertificate): boolean {
    try {
      check();
      return true;
    } catch (error) {
      if (error instanceof VerificationError) search.failure = error;
      // A certificate with an extension that cannot be parsed is not verified.
      else search.failure = new VerificationError("certificate-malformed", `"${issuer.title}" is malformed`);
      return false;
    }
  }

  function fail(verificationClass: VerificationClass, message: string): null {
    search.failure = new VerificationError(verificationClass, `"${leaf.title}": ${message}`);
    return null;
  }
}

function checkLeaf(leaf: PathCertificate, nowMs: number): void {
  checkCommon(leaf, nowMs);
  if (weaknessOfSignature(leaf) !== null) refuse("certificate-weak", leaf, weaknessOfSignature(leaf)!);
  if (!allowsUse(leaf, Usage.digitalSignature) && !allowsUse(leaf, Usage.keyAgreement)) {
    refuse("certificate-wrong-use", leaf, "its key usage lacks digitalSignature");
  }
}

/** Checks what holds for every certificate, whether the client's or an authority's. */
function checkCommon(certificate: PathCertificate, nowMs: number): void {
  const { notBefore, notAfter } = certificate;
  if (!(nowMs <= notAfter)) refuse("certificate-expired", certificate, `it expired on ${date(notAfter)}`);
  if (!(nowMs >= notBefore)) {
    refuse("certificate-not-yet-valid", certificate, `it is not valid before ${date(notBefore)}`);
  }
  const weakness = weaknessOfKey(certificate.publicKey);
  if (weakness !== null) refuse("certificate-weak", certificate, weakness);
  for (const [id, { critical }] of certificate.extensions) {
    if (critical && !UNDERSTOOD.has(id)) refuse("certificate-constraint", certificate, `critical extension ${id}`);
  }
  const uses = certificate.extensions.get(EXTENDED_KEY_USAGE);
  if (uses === undefined) return;
  const names = readDerSequence(readDer(uses.value).value).map(({ value }) => readObjectIdentifier(value));
  if (!names.includes(CLIENT_AUTH)) {
    refuse("certificate-wrong-use", certificate, "its extended key usage lacks clientAuth");
  }
}

/** Checks that `issuer` was allowed to issue the last of `path`, and that it has. */
function checkStep(path: PathCertificate[], issuer: PathCertificate, nowMs: number): void {
  const last = path[path.length - 1];
  checkCommon(issuer, nowMs);
  const weakness = weaknessOfSignature(last);
  if (weakness !== null) refuse("certificate-weak", last, weakness);
  checkAuthority(path, issuer);
  if (!isSignedBy(last, issuer.publicKey)) {
    refuse("certificate-unknown-authority", last, `its signature is not that of "${issuer.title}"`);
  }
}

/**
 * Checks the names on a whole path. This comes after every signature up to an anchor was found right, because comparing
 * names costs time, which only a trusted authority's certificates are worth.
 */
function checkConstraints(path: PathCertificate[]): void {
  for (const [position, authority] of path.entries()) {
    for (const [index, below] of path.slice(0, position).entries()) {
      // The constraints do not hold for a self-issued authority, but always for the leaf (section 6.1.3 b).
      if (index > 0 && below.subject === below.issuer) continue;
      const violation = constraintViolation(authority, below);
      if (violation !== null) refuse("certificate-constraint", below, violation);
    }
  }
}

function checkAuthority(path: PathCertificate[], issuer: PathCertificate): void {
  const constraints = issuer.extensions.get(BASIC_CONSTRAINTS);
  if (constraints === undefined) {
    // Before version 3 a certificate could not say that it is an authority. Such a root is trusted because somebody has
    // configured it.
    if (issuer.version === 3 || issuer.subject !== issuer.issuer) {
      refuse("certificate-wrong-use", issuer, "it is no CA");
    }
  } else {
    const [first, second] = readDerSequence(readDer(constraints.value).value);
    const isAuthority = first?.tag === 0x01 && first.value[0] !== 0;
    if (!isAuthority) refuse("certificate-wrong-use", issuer, "it is no CA");
    const below = path.slice(1).filter(({ subject, issuer }) => subject !== issuer).length;
    if (second !== undefined && below > readInteger(second.value)) {
      refuse("certificate-constraint", issuer, `it allows fewer authorities below it than the ${below} there are`);
    }
  }
  if (!allowsUse(issuer, Usage.keyCertSign)) {
    refuse("certificate-wrong-use", issuer, "its key usage lacks keyCertSign");
  }
}

/** Whether keyUsage, a BIT STRING, has a bit set; without the extension every use is allowed. */
function allowsUse({ extensions }: PathCertificate, bit: number): boolean {
  const usage = extensions.get(KEY_USAGE);
  if (usage === undefined) return true;
  const [, ...octets] = readDer(usage.value).value;
  return ((octets[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
}

function readInteger(bytes: Uint8Array): number {
  // A negative number is no limit, and neither is a very large one.
  if (bytes[0] & 0x80) return -1;
  return bytes.length > 4 ? Infinity : bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

function refuse(verificationClass: VerificationClass, { title }: PathCertificate, detail: string): never {
  throw new VerificationError(verificationClass, `"${title}": ${detail}`);
}

function date(timeMs: number): string {
  return Number.isFinite(timeMs) ? new Date(timeMs).toISOString().slice(0, 10) : "no date";
}
