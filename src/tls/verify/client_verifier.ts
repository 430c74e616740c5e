import { createHash } from "node:crypto";
import { readPem } from "../certificates/pem.ts";
import { type PathCertificate, readPathCertificate } from "./certificate.ts";
import { RevocationIndex, type RevocationList } from "./revocation.ts";
import { type Path, verifyPath } from "./path.ts";
import { VerificationError } from "./verification_error.ts";

/** How many certificates a client may show. OpenSSL and rustls limit their size before that. */
const MOST_SHOWN = 32;
/** How many verified chains are remembered for each listener. */
const MOST_REMEMBERED = 10_000;

/** The times between which a verification holds, because everything that changes with time was looked at. */
interface Verified {
  fromMs: number;
  toMs: number;
}

/**
 * Verifies the certificates of one listener's clients, for every engine alike. It looks at each connection, resumed or
 * not: a session outlives its certificate's date, and on some runtimes the listener that it began at.
 *
 * The handshake has shown that the client has the key of its certificate. This is about who has signed it.
 */
export class ClientVerifier {
  readonly #anchors: PathCertificate[] = [];
  /** By the hash of the chain; the one not seen for the longest time is first. */
  readonly #verified = new Map<string, Verified>();

  /** `null` where revocation is not checked. */
  readonly #revocations: RevocationIndex | null;

  /**
   * @param ca PEM bundle of the authorities, which was looked at before
   * @param crl revocation lists; without any nothing is checked, else every issuer on the client's path needs one
   */
  constructor(ca: string, crl: readonly RevocationList[] = []) {
    this.#revocations = crl.length === 0 ? null : new RevocationIndex(crl);
    for (const { der } of readPem(ca)) {
      try {
        this.#anchors.push(readPathCertificate(der));
      } catch {
        // A kind of key that the runtime does not know: nobody can be verified by it, and `check` has said so.
      }
    }
  }

  /**
   * Verifies the certificates that a client has shown.
   *
   * @param chain DER: its certificate first, and what it showed beside
   * @param examine is given the client's certificate the first time, and may refuse it
   * @param nowMs milliseconds since the epoch
   * @throws {VerificationError}
   */
  verify(
    chain: readonly Uint8Array[],
    examine: (leaf: Uint8Array) => void = () => {},
    nowMs: number = Date.now(),
  ): void {
    const key = hashOf(chain);
    const known = this.#verified.get(key);
    if (known !== undefined && nowMs >= known.fromMs && nowMs <= known.toMs) return this.#remember(key, known);
    this.#verified.delete(key);
    const { certificates } = this.#verifyAnew(chain, examine, nowMs);
    const { fromMs = -Infinity, toMs = Infinity } = this.#revocations?.check(certificates, nowMs) ?? {};
    this.#remember(key, {
      fromMs: Math.max(fromMs, ...certificates.map(({ notBefore }) => notBefore)),
      toMs: Math.min(toMs, ...certificates.map(({ notAfter }) => notAfter)),
    });
  }

  #verifyAnew(chain: readonly Uint8Array[], examine: (leaf: Uint8Array) => void, nowMs: number): Path {
    try {
      examine(chain[0]);
      return verifyPath(...readChain(chain), this.#anchors, nowMs);
    } catch (error) {
      if (error instanceof VerificationError) throw error;
      // A certificate that could not be parsed was not verified.
      throw new VerificationError("certificate-malformed", "it is malformed", { cause: error });
    }
  }

  #remember(key: string, verified: Verified): void {
    this.#verified.delete(key);
    this.#verified.set(key, verified);
    if (this.#verified.size > MOST_REMEMBERED) this.#verified.delete(this.#verified.keys().next().value!);
  }
}

function readChain([leaf, ...shown]: readonly Uint8Array[]): [PathCertificate, PathCertificate[]] {
  const authorities: PathCertificate[] = [];
  for (const der of shown.slice(0, MOST_SHOWN)) {
    try {
      authorities.push(readPathCertificate(der));
    } catch {
      // Such a certificate is no authority for anybody.
    }
  }
  try {
    return [readPathCertificate(leaf), authorities];
  } catch {
    throw new VerificationError("certificate-malformed", "it is malformed, or has a key of an unknown kind");
  }
}

function hashOf(chain: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  // The lengths keep two ways to divide the same bytes apart.
  for (const der of chain) hash.update(`${der.length}:`).update(der);
  return hash.digest("base64");
}
