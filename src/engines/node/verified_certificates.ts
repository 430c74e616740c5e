import { createHash, X509Certificate } from "node:crypto";

/** Clients remembered for each CA bundle; who is forgotten cannot resume. */
const MAX_CERTIFICATES = 50_000;
/** CA bundles remembered: those of the listeners, and of the generation before. */
const MAX_BUNDLES = 64;

const bundles = new Map<string, Map<string, number>>();

/**
 * The certificates that were verified in a full handshake against one CA bundle, by this thread.
 *
 * A resumed handshake has no verification of its own: it stands for that of the handshake before. Deno's node:tls does not keep that
 * one's result in the ticket. It gives tickets to clients whose certificate it could not verify, and reports them as verified
 * once they resume; and it takes tickets that another listener gave out. So a resumed session counts for what is known of
 * its certificate here.
 */
export class VerifiedCertificates {
  readonly #expiries: Map<string, number>;

  /** @param ca PEM bundle; the same one shares what is known, across reloads too */
  constructor(ca: string) {
    const key = digest(ca);
    this.#expiries = bundles.get(key) ?? new Map();
    bundles.delete(key);
    bundles.set(key, this.#expiries);
    if (bundles.size > MAX_BUNDLES) bundles.delete(bundles.keys().next().value!);
  }

  /** Remembers a certificate that has just been verified. */
  add(der: Uint8Array): void {
    const key = digest(der);
    // At the end of the map: who is forgotten first is who has not been seen for the longest time.
    this.#expiries.delete(key);
    this.#expiries.set(key, Date.parse(new X509Certificate(der).validTo));
    if (this.#expiries.size > MAX_CERTIFICATES) this.#expiries.delete(this.#expiries.keys().next().value!);
  }

  /** Whether it was verified, and has not expired since. */
  has(der: Uint8Array): boolean {
    return Date.now() <= (this.#expiries.get(digest(der)) ?? -Infinity);
  }
}

function digest(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("base64");
}
