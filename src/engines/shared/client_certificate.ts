import { readPeerCertificate } from "../../tls/certificates/certificate_names.ts";
import type { ClientVerifier } from "../../tls/verify/client_verifier.ts";
import type { PeerCertificate } from "../../tls/tls_info.ts";
import { VerificationError } from "../../tls/verify/verification_error.ts";
import { ConnError } from "../contract.ts";

/** What the runtimes tell of a certificate; `issuerCertificate` is the next one, and its own at the end. */
interface DetailedCertificate {
  raw?: Uint8Array;
  issuerCertificate?: DetailedCertificate;
}

/** No client needs more; rustls, OpenSSL and BoringSSL have limits of their own in bytes. */
const MOST_CERTIFICATES = 32;

/**
 * The certificates that a client has shown, DER, its own first; [] for none. A runtime may add what it found among the
 * authorities.
 */
export function peerChain(certificate: unknown): Uint8Array[] {
  const chain: Uint8Array[] = [];
  const seen = new Set<unknown>();
  let next = certificate as DetailedCertificate | null | undefined;
  while (next?.raw !== undefined && !seen.has(next) && chain.length < MOST_CERTIFICATES) {
    seen.add(next);
    chain.push(new Uint8Array(next.raw));
    next = next.issuerCertificate;
  }
  return chain;
}

/**
 * Verifies what a client has shown.
 *
 * @param chain as of {@linkcode peerChain}, not empty
 * @param examine as of {@linkcode ClientVerifier.verify}
 * @throws {ConnError} kind `certificate`
 */
export function verifyClient(
  verifier: ClientVerifier,
  chain: Uint8Array[],
  examine?: (leaf: Uint8Array) => void,
): PeerCertificate {
  try {
    verifier.verify(chain, examine);
    return readPeerCertificate(chain[0]);
  } catch (error) {
    // A name that cannot be read is as bad as one that was not vouched for.
    const detail = error instanceof VerificationError ? error.message : "it is malformed";
    throw new ConnError("certificate", `Client certificate was not verified: ${detail}`, { cause: error });
  }
}
