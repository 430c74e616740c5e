import { writePem } from "../../tls/certificates/pem.ts";
import { base64url } from "./jws.ts";
import type { Identifier } from "./identifier.ts";

/** A new key, and the request for a certificate to it. */
interface CertificateRequest {
  /** PKCS#8, PEM. Never logged. */
  keyPem: string;
  /** PKCS#10, DER, base64url, as finalising an order wants it (RFC 8555 section 7.4). */
  csr: string;
}

/** Makes an ECDSA P-256 key and a certificate request for all of `identifiers`. */
export async function makeCertificateRequest(identifiers: Identifier[]): Promise<CertificateRequest> {
  const x509 = await import("../../tls/certificates/x509_library.ts");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: algorithm,
    extensions: [new x509.SubjectAlternativeNameExtension(identifiers.map(({ type, value }) => ({ type, value })))],
  });
  return {
    keyPem: writePem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey))),
    csr: base64url(new Uint8Array(request.rawData)),
  };
}
