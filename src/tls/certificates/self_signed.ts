import { isIP } from "node:net";
import { normalizeServerName } from "../../net/server_names.ts";
import { writePem } from "./pem.ts";

/** A certificate and its key. */
interface SelfSigned {
  /** PEM. */
  cert: string;
  /** The key as PKCS#8 in PEM. It must never be logged. */
  key: string;
  /** The hosts that it is for, as they are in it. */
  hosts: string[];
  /** Milliseconds since the epoch. */
  notAfter: number;
}

interface SelfSignedOptions {
  /** DNS names, perhaps with a wildcard, and IP addresses; at least one. */
  hosts: string[];
  /** @default {365} */
  days?: number;
  /** Milliseconds since the epoch. @default {Date.now()} */
  now?: number;
}

/** How long before it was made a certificate is valid, because clocks differ. */
const SKEW_MS = 5 * 60_000;
const DAY_MS = 86_400_000;

/**
 * Makes a self-signed certificate for development: ECDSA P-256, for servers only, and no CA. Clients accept it when
 * they are given it as the CA (`curl --cacert`).
 *
 * @throws {TypeError} where a host is neither a DNS name nor an IP address
 * @throws {RangeError} where `days` is not from 1 to 825, the most that clients accept
 */
export async function makeSelfSigned({ hosts, days = 365, now = Date.now() }: SelfSignedOptions): Promise<SelfSigned> {
  if (hosts.length === 0) throw new TypeError("Cannot make certificate: no host given");
  if (!(days >= 1 && days <= 825)) {
    throw new RangeError(`Cannot make certificate valid for ${days} days: must be from 1 to 825`);
  }
  const names = hosts.map(parseHost);
  const x509 = await import("./x509_library.ts");
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  const notAfter = now + days * DAY_MS;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: randomSerial(),
    // The common name is for people only, and has 64 characters at most (RFC 5280, ub-common-name).
    name: [{ CN: [names[0].value.slice(0, 64)] }],
    notBefore: new Date(now - SKEW_MS),
    notAfter: new Date(notAfter),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      // Some clients refuse a CA's certificate as that of a server.
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return {
    cert: writePem("CERTIFICATE", new Uint8Array(certificate.rawData)),
    key: writePem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey))),
    hosts: names.map(({ value }) => value),
    notAfter,
  };
}

function parseHost(host: string): { type: "dns" | "ip"; value: string } {
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  // A zone (fe80::1%eth0) has no place in a certificate.
  if (isIP(bare) !== 0 && !bare.includes("%")) return { type: "ip", value: bare };
  const name = normalizeServerName(host);
  if (name === "") {
    throw new TypeError(`Cannot make certificate for ${JSON.stringify(host)}: must be a DNS name or an IP address`);
  }
  return { type: "dns", value: name };
}

/** Sixteen random octets that are a positive INTEGER (RFC 5280 section 4.1.2.2). */
export function randomSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = bytes[0] & 0x3f | 0x40;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
