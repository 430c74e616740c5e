import { randomSerial } from "../../tls/certificates/self_signed.ts";
import type { Challenge } from "../../tls/challenge/challenge.ts";
import { writePem } from "../../tls/certificates/pem.ts";
import { challengeServerName, type Identifier } from "./identifier.ts";
import { sha256 } from "./jws.ts";

/** id-pe-acmeIdentifier (RFC 8737 section 6.1). */
const ACME_IDENTIFIER = "1.3.6.1.5.5.7.1.31";
const LIFETIME_MS = 86_400_000;

/** Puts challenges into service; resolves, once new connections get them, with what takes them out again. */
export type Present = (challenges: Challenge[]) => Promise<() => Promise<void>>;

/**
 * Makes the certificate of a tls-alpn-01 challenge (RFC 8737 section 3): self-signed, for the identifier alone, with
 * the digest of the key authorization in a critical extension.
 * @param token of the challenge
 * @param thumbprint of the account's key
 */
export async function makeChallenge(identifier: Identifier, token: string, thumbprint: string): Promise<Challenge> {
  const x509 = await import("../../tls/certificates/x509_library.ts");
  const digest = await sha256(`${token}.${thumbprint}`);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  const nowMs = Date.now();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    name: "CN=ACME challenge",
    notBefore: new Date(nowMs - LIFETIME_MS),
    notAfter: new Date(nowMs + LIFETIME_MS),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: identifier.type, value: identifier.value }]),
      // An OCTET STRING of 32 bytes.
      new x509.Extension(ACME_IDENTIFIER, true, Uint8Array.of(0x04, digest.length, ...digest)),
    ],
  });
  return {
    serverName: challengeServerName(identifier),
    cert: writePem("CERTIFICATE", new Uint8Array(certificate.rawData)),
    key: writePem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey))),
  };
}
