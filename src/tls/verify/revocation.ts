import { createHash, type KeyObject } from "node:crypto";
import type { PathCertificate } from "./certificate.ts";
import { VerificationError } from "./verification_error.ts";

/** A revocation list as workers get it: plain data that was verified before. */
export interface RevocationList {
  /** The issuer's name, in the form of {@linkcode PathCertificate.subject}. */
  issuer: string;
  /** {@linkcode hashOfKey} of the issuer's key, by which the list is signed: two authorities may have one name. */
  issuerKey: string;
  /** Milliseconds since the epoch: the list is current in between. */
  thisUpdate: number;
  nextUpdate: number;
  /** Serial numbers, lower-case hexadecimal, with a space in between: one text is cheap to compare and to hand on. */
  serials: string;
}

/** Knows which certificates have been revoked, with one look-up by issuer and serial number for each. */
export class RevocationIndex {
  readonly #lists = new Map<string, { list: RevocationList; serials: ReadonlySet<string> }>();

  /** Where there are several lists of one issuer, the latest counts (RFC 5280 section 6.3.3). */
  constructor(lists: readonly RevocationList[]) {
    for (const list of lists) {
      const key = keyOf(list.issuer, list.issuerKey);
      const other = this.#lists.get(key);
      if (other !== undefined && other.list.thisUpdate >= list.thisUpdate) continue;
      this.#lists.set(key, { list, serials: new Set(list.serials.split(" ")) });
    }
  }

  /**
   * Looks for every certificate of a path in the list of its issuer.
   *
   * @param path the leaf first, the anchor last
   * @param nowMs milliseconds since the epoch
   * @returns between which times this holds
   * @throws {VerificationError} where one is revoked, or it cannot be known
   */
  check(path: readonly PathCertificate[], nowMs: number): { fromMs: number; toMs: number } {
    let [fromMs, toMs] = [-Infinity, Infinity];
    // A client that is trusted itself is its own issuer.
    const issued = path.length === 1 ? path : path.slice(0, -1);
    for (const [index, certificate] of issued.entries()) {
      const issuer = path[index + 1] ?? certificate;
      const found = this.#lists.get(keyOf(issuer.subject, hashOfKey(issuer.publicKey)));
      if (found === undefined) refuse("crl-missing", certificate, `there is no revocation list of "${issuer.title}"`);
      const { list: { thisUpdate, nextUpdate }, serials } = found;
      if (!(nowMs >= thisUpdate && nowMs <= nextUpdate)) {
        refuse("crl-expired", certificate, `the revocation list of "${issuer.title}" is not current`);
      }
      if (serials.has(certificate.serial)) refuse("revoked", certificate, `it was revoked by "${issuer.title}"`);
      fromMs = Math.max(fromMs, thisUpdate);
      toMs = Math.min(toMs, nextUpdate);
    }
    return { fromMs, toMs };
  }
}

/** A key's hash, base64. */
export function hashOfKey(key: KeyObject): string {
  return createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest("base64");
}

function keyOf(issuer: string, issuerKey: string): string {
  return `${issuerKey} ${issuer}`;
}

function refuse(
  verificationClass: "revoked" | "crl-missing" | "crl-expired",
  { title }: PathCertificate,
  detail: string,
): never {
  throw new VerificationError(verificationClass, `"${title}": ${detail}`);
}
