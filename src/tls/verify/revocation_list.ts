import { createHash } from "node:crypto";
import { type DerElement, readDer, readDerSequence, readObjectIdentifier } from "../certificates/der.ts";
import { explainSystemError } from "../../net/system_error.ts";
import { readBounded } from "../certificates/pem_file.ts";
import { readPem } from "../certificates/pem.ts";
import { printable } from "../certificates/certificate_file.ts";
import { equalBytes, type PathCertificate, readPathCertificate, serialNumber } from "./certificate.ts";
import { readDistinguishedName, readRelativeNames } from "./distinguished_name.ts";
import { hashOfKey, type RevocationList } from "./revocation.ts";
import { isSignedBy, type Signed, weaknessOfSignature } from "./signature.ts";
import type { Problems } from "../../config/problem.ts";

/** Most bytes of a file, and most entries of a list. A hundred thousand entries take five megabytes in PEM. */
const MAX_FILE_BYTES = 16 * 1024 * 1024 - 1;
const MAX_ENTRIES = 1_000_000;
/** Extensions of a list (RFC 5280 section 5.2) that may be critical: the issuer's key, the list's number. */
const UNDERSTOOD = new Set(["2.5.29.20", "2.5.29.35"]);
const CRL_SIGN = 0x02;
const KEY_USAGE = "2.5.29.15";

/** What metrics say of a list. */
interface RevocationInfo {
  /** e.g. `CN=clients' CA`. */
  issuer: string;
  /** Milliseconds since the epoch. */
  nextUpdate: number;
  entries: number;
}

/** A list that was verified: what workers need of it, and what metrics say of it. */
export interface LoadedRevocationList {
  list: RevocationList;
  info: RevocationInfo;
}

interface ParsedList extends Signed {
  issuer: string;
  title: string;
  thisUpdate: number;
  nextUpdate: number;
  serials: string[];
}

/**
 * Loads the revocation lists of one file (RFC 5280 section 5): DER, or PEM, which may hold the certificates of their
 * issuers too, where those are not among the authorities.
 *
 * @param ca PEM bundle of the authorities
 * @param nowMs milliseconds since the epoch
 * @param problems receives everything found, errors and warnings
 */
export async function loadRevocationLists(
  path: string,
  ca: string,
  nowMs: number,
  problems: Problems,
): Promise<LoadedRevocationList[]> {
  const refuse = (detail: string) => {
    problems.error(`Cannot load revocation list "${path}": ${detail}`);
    return [];
  };
  let blocks;
  try {
    blocks = readBlocks((await readBounded(path, MAX_FILE_BYTES)).bytes);
  } catch (error) {
    return refuse(error instanceof SyntaxError ? error.message : explainSystemError(error));
  }
  const lists = blocks.filter(({ label }) => label === "X509 CRL");
  if (lists.length === 0) return refuse("no revocation list in it");
  const issuers = readIssuers([...readPem(ca), ...blocks].filter(({ label }) => label.endsWith("CERTIFICATE")));
  const loaded: LoadedRevocationList[] = [];
  for (const { der } of lists) {
    let parsed: ParsedList;
    try {
      parsed = parseList(der);
    } catch (error) {
      return refuse(error instanceof ListError ? error.message : "it is damaged");
    }
    const { title, issuer, thisUpdate, nextUpdate, serials } = parsed;
    const weakness = weaknessOfSignature(parsed);
    if (weakness !== null) return refuse(weakness);
    const named = issuers.filter(({ subject }) => subject === issuer);
    if (named.length === 0) {
      return refuse(`"${title}" issued it, which is not in client-auth.ca: put its certificate into the same file`);
    }
    const signer = named.find(({ publicKey }) => isSignedBy(parsed, publicKey));
    if (signer === undefined) return refuse(`its signature is not that of "${title}"`);
    if (!maySignLists(signer)) return refuse(`"${title}" may not sign it: its key usage lacks cRLSign`);
    if (nowMs > nextUpdate || nowMs < thisUpdate) {
      const day = (timeMs: number) => new Date(timeMs).toISOString().slice(0, 10);
      problems.warning(
        `Revocation list "${path}" of "${title}" is current from ${day(thisUpdate)} to ${day(nextUpdate)}: ` +
          `clients of that authority are refused`,
      );
    }
    loaded.push({
      list: { issuer, issuerKey: hashOfKey(signer.publicKey), thisUpdate, nextUpdate, serials: serials.join(" ") },
      info: { issuer: title, nextUpdate, entries: serials.length },
    });
  }
  return loaded;
}

/** Thrown for a list that is well-formed, but cannot be used. */
class ListError extends Error {}

function readBlocks(bytes: Uint8Array): { label: string; der: Uint8Array }[] {
  if (bytes[0] === 0x30) return [{ label: "X509 CRL", der: bytes }];
  return readPem(new TextDecoder().decode(bytes));
}

function readIssuers(blocks: { der: Uint8Array }[]): PathCertificate[] {
  const issuers: PathCertificate[] = [];
  const seen = new Set<string>();
  for (const { der } of blocks) {
    const hash = createHash("sha256").update(der).digest("base64");
    if (seen.has(hash)) continue;
    seen.add(hash);
    try {
      issuers.push(readPathCertificate(der));
    } catch {
      // No list of such an issuer can be verified. The list is refused where it is needed.
    }
  }
  return issuers;
}

/** CertificateList (RFC 5280 section 5.1). */
function parseList(der: Uint8Array): ParsedList {
  const whole = readDer(der);
  const parts = readDerSequence(whole.value);
  const [tbs, signatureAlgorithm, signature] = parts;
  if (whole.bytes.length !== der.length || parts.length !== 3 || signature.value[0] !== 0) {
    throw new SyntaxError("no revocation list");
  }
  const fields = readDerSequence(tbs.value);
  if (fields[0].tag === 0x02) fields.shift();
  const [algorithm, issuer, thisUpdate, ...rest] = fields;
  if (!equalBytes(algorithm.bytes, signatureAlgorithm.bytes)) throw new SyntaxError("two signature algorithms");
  const title = describeName(issuer);
  const nextUpdate = isTime(rest[0]) ? rest.shift()! : null;
  if (nextUpdate === null) {
    throw new ListError(`the list of "${title}" does not say until when it is current (nextUpdate)`);
  }
  const entries = rest[0]?.tag === 0x30 ? readDerSequence(rest.shift()!.value) : [];
  if (entries.length > MAX_ENTRIES) throw new ListError(`it has ${entries.length} entries, more than ${MAX_ENTRIES}`);
  checkExtensions(rest[0], UNDERSTOOD, title);
  const serials = entries.map((entry) => {
    const [serial, _date, extensions] = readDerSequence(entry.value);
    // An entry of another issuer (an indirect list) would say so in a critical extension.
    if (extensions !== undefined) checkCritical(readDerSequence(extensions.value), new Set(), title);
    return serialNumber(serial.value);
  });
  return {
    issuer: readDistinguishedName(issuer),
    title,
    thisUpdate: readTime(thisUpdate),
    nextUpdate: readTime(nextUpdate),
    serials,
    tbs: tbs.bytes,
    signatureAlgorithm,
    signature: signature.value.subarray(1),
  };
}

function checkExtensions(element: DerElement | undefined, understood: ReadonlySet<string>, title: string): void {
  if (element?.tag === 0xa0) checkCritical(readDerSequence(readDer(element.value).value), understood, title);
}

function checkCritical(extensions: DerElement[], understood: ReadonlySet<string>, title: string): void {
  for (const extension of extensions) {
    const [id, critical] = readDerSequence(extension.value);
    const name = readObjectIdentifier(id.value);
    if (critical.tag !== 0x01 || critical.value[0] === 0 || understood.has(name)) continue;
    throw new ListError(`the list of "${title}" is partial, indirect, or has another critical extension (${name})`);
  }
}

function maySignLists({ extensions }: PathCertificate): boolean {
  const usage = extensions.get(KEY_USAGE);
  return usage === undefined || (readDer(usage.value).value[1] & CRL_SIGN) !== 0;
}

function isTime(element: DerElement | undefined): boolean {
  return element?.tag === 0x17 || element?.tag === 0x18;
}

/** UTCTime or GeneralizedTime, in Z and with seconds (RFC 5280 section 4.1.2.5), in milliseconds since the epoch. */
function readTime({ tag, value }: DerElement): number {
  const text = new TextDecoder().decode(value);
  const [, year, month, day, hour, minute, second] = /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  if (year === undefined || (year.length === 2) !== (tag === 0x17)) throw new SyntaxError("no time");
  const full = year.length === 4 ? Number(year) : Number(year) + (Number(year) < 50 ? 2000 : 1900);
  return Date.UTC(full, Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

function describeName(name: DerElement): string {
  const [common] = readRelativeNames(name).flat().filter(({ type }) => type === "2.5.4.3").slice(-1);
  return common === undefined ? "an issuer without a common name" : printable(`CN=${common.value}`);
}
