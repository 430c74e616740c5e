/** Certificates for tests, made by the library rather than a program that may be missing. */
import { writePem } from "../../src/tls/certificates/pem.ts";
import * as x509 from "../../src/tls/certificates/x509_library.ts";

export type KeyKind = "P-256" | "P-384" | "P-521" | "RSA-1024" | "RSA-2048" | "Ed25519";

export interface MakeOptions {
  /** Several: one relative name each, the most specific last. @default {"localhost"} */
  commonName?: string | string[];
  dnsNames?: string[];
  ips?: string[];
  uris?: string[];
  /** The issuer; absent for a self-signed certificate. */
  issuer?: MadeCertificate;
  /** @default {false} */
  ca?: boolean;
  /** @default {"P-256"} */
  key?: KeyKind;
  /** Extended key usage: `serverAuth`, `clientAuth`; absent: no such extension. */
  use?: "serverAuth" | "clientAuth";
  /** Milliseconds since the epoch. */
  notBefore?: number;
  notAfter?: number;
}

export interface MadeCertificate {
  cert: string;
  /** PKCS#8. */
  key: string;
  der: Uint8Array;
  keys: CryptoKeyPair;
  subject: { CN: string[] }[];
}

const DAY_MS = 86_400_000;

const ALGORITHMS = {
  "P-256": { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  "P-384": { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" },
  "P-521": { name: "ECDSA", namedCurve: "P-521", hash: "SHA-512" },
  "RSA-1024": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 1024, publicExponent: exponent() },
  "RSA-2048": { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", modulusLength: 2048, publicExponent: exponent() },
  "Ed25519": { name: "Ed25519" },
};

/** Makes one certificate. */
export async function makeCertificate(options: MakeOptions = {}): Promise<MadeCertificate> {
  const { commonName = "localhost", dnsNames = [], ips = [], uris = [], issuer, ca = false, key = "P-256" } = options;
  const algorithm = ALGORITHMS[key];
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  const signer = issuer?.keys ?? keys;
  const subject = [commonName].flat().map((CN) => ({ CN: [CN] }));
  const names = [
    ...dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...ips.map((value) => ({ type: "ip" as const, value })),
    ...uris.map((value) => ({ type: "url" as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: crypto.randomUUID().replaceAll("-", "").replace(/^./, "4"),
    subject: new x509.Name(subject),
    issuer: new x509.Name(issuer?.subject ?? subject),
    notBefore: new Date(options.notBefore ?? Date.now() - DAY_MS),
    notAfter: new Date(options.notAfter ?? Date.now() + 30 * DAY_MS),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    // Ed25519's type knows no hash; the others take theirs from it.
    signingAlgorithm: { ...signer.privateKey.algorithm, hash: "SHA-256" } as EcdsaParams,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      ...(options.use ? [new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage[options.use]])] : []),
    ],
  });
  const der = new Uint8Array(certificate.rawData);
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  return { cert: writePem("CERTIFICATE", der), key: writePem("PRIVATE KEY", pkcs8), der, keys, subject };
}

function exponent(): Uint8Array<ArrayBuffer> {
  return new Uint8Array([1, 0, 1]);
}
