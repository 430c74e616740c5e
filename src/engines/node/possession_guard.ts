import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { readDer, readDerSequence } from "../../tls/certificates/der.ts";
import { equalBytes } from "../../tls/verify/certificate.ts";
import { VerificationError } from "../../tls/verify/verification_error.ts";
import { writePem } from "../../tls/certificates/pem.ts";

/**
 * Refuses certificates of which Deno has not looked whether the client holds the key.
 *
 * A client proves that by a signature in the handshake. Deno 2.9's node:tls lets the signature go unverified where its
 * TLS library cannot parse the certificate: one of X.509 version 1, or one that is not exact DER. Whoever has seen such
 * a certificate of somebody else could come in by it. Other parsers take what that library does not, so it is asked
 * itself: `Deno.createHttpClient` parses authorities by the same code, and says so where it cannot.
 *
 * @param der the client's own certificate
 * @throws {VerificationError}
 */
export function assertPossessionProven(der: Uint8Array): void {
  const fields = readDerSequence(readDerSequence(readDer(der).value)[0].value);
  if (fields[0].tag !== 0xa0 || readDer(fields[0].value).value[0] !== 2) {
    throw refusal("is not of X.509 version 3, and node on Deno does not verify that the client holds its key");
  }
  if (!isParsedByTlsLibrary(der)) throw refusal("is not exact DER, and node on Deno does not verify its key");
  // What is inside the key's element the library parses later, when it verifies, and with the same outcome.
  const key = fields[6]?.bytes;
  const exact = new X509Certificate(der).publicKey.export({ type: "spki", format: "der" });
  if (key === undefined || !equalBytes(key, new Uint8Array(exact))) {
    throw refusal("has a key that is not exact DER, and node on Deno does not verify it");
  }
}

/**
 * Whether the guard works on this version of the runtime: a certificate that is not exact DER has to be refused.
 *
 * @param der any certificate
 */
export function isGuarded(der: Uint8Array): boolean {
  const { value } = readDer(der);
  // The outer length in more octets than it needs, which BER allows and DER does not.
  const length = [0x83, value.length >> 16 & 0xff, value.length >> 8 & 0xff, value.length & 0xff];
  return !isParsedByTlsLibrary(Uint8Array.of(0x30, ...length, ...value));
}

function isParsedByTlsLibrary(der: Uint8Array): boolean {
  try {
    Deno.createHttpClient({ caCerts: [writePem("CERTIFICATE", Buffer.from(der))] }).close();
    return true;
  } catch {
    return false;
  }
}

function refusal(detail: string): VerificationError {
  return new VerificationError("certificate-malformed", `it ${detail}`);
}
