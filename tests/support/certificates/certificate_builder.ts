/**
 * Certificates as no library makes them: every field can be wrong on purpose. Keys and signatures are node:crypto's.
 */
import type { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { writePem } from "../../../src/tls/certificates/pem.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** One element of DER. */
export function der(tag: number, ...parts: Uint8Array[]): Bytes {
  const value = concat(parts);
  const { length } = value;
  const head = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82 + Number(length > 0xffff), ...(length > 0xffff ? [length >> 16] : []), length >> 8 & 0xff, length & 0xff];
  return concat([Uint8Array.of(tag, ...head), value]);
}

export function concat(parts: Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const sequence = (...parts: Uint8Array[]): Bytes => der(0x30, ...parts);
export const text = (value: string): Bytes => Uint8Array.from(value, (character) => character.charCodeAt(0));
export const utf8 = (value: string): Bytes => der(0x0c, text(value));

export function oid(dotted: string): Bytes {
  const [first, second, ...rest] = dotted.split(".").map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((arc) => {
    const digits = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(left & 0x7f | 0x80);
    return digits;
  });
  return der(0x06, Uint8Array.from(octets));
}

/** A Name with these attributes, one relative name each. */
export function name(...attributes: [type: string, value: Uint8Array][]): Bytes {
  return sequence(...attributes.map(([type, value]) => der(0x31, sequence(oid(type), value))));
}

export const commonName = (value: string): Bytes => name(["2.5.4.3", utf8(value)]);

export type Extension = [id: string, critical: boolean, value: Uint8Array];

export const basicConstraints = (ca: boolean, pathLength?: number): Extension => [
  "2.5.29.19",
  true,
  sequence(
    ...(ca ? [der(0x01, Uint8Array.of(0xff))] : []),
    ...(pathLength === undefined ? [] : [der(0x02, Uint8Array.of(pathLength))]),
  ),
];
/** @param bits the first octet of the BIT STRING: 0x80 digitalSignature, 0x04 keyCertSign, 0x02 cRLSign */
export const keyUsage = (bits: number): Extension => ["2.5.29.15", true, der(0x03, Uint8Array.of(0, bits))];
export const extendedKeyUsage = (...uses: string[]): Extension => [
  "2.5.29.37",
  false,
  sequence(...uses.map((use) => oid(use))),
];
export const dnsNames = (...names: string[]): Extension => [
  "2.5.29.17",
  false,
  sequence(...names.map((each) => der(0x82, text(each)))),
];
export const dnsConstraints = (permitted: string[], excluded: string[] = []): Extension => {
  const trees = (tag: number, list: string[]) =>
    list.length === 0 ? [] : [der(tag, ...list.map((each) => sequence(der(0x82, text(each)))))];
  return ["2.5.29.30", true, sequence(...trees(0xa0, permitted), ...trees(0xa1, excluded))];
};

export const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
export const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
export const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
export const ANY_USE = "2.5.29.37.0";

export type KeyName = "P-256" | "P-384" | "P-521" | "Ed25519" | "RSA-1024" | "RSA-2048";

export interface Pair {
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export function generateKeys(kind: KeyName): Pair {
  if (kind === "Ed25519") return generateKeyPairSync("ed25519");
  if (kind.startsWith("RSA-")) return generateKeyPairSync("rsa", { modulusLength: Number(kind.slice(4)) });
  return generateKeyPairSync("ec", { namedCurve: kind });
}

/** Algorithms by hash and kind of key. */
const SIGNATURES: Record<string, string> = {
  "sha256 rsa": "1.2.840.113549.1.1.11",
  "sha1 rsa": "1.2.840.113549.1.1.5",
  "sha256 ec": "1.2.840.10045.4.3.2",
  "sha1 ec": "1.2.840.10045.4.1",
  "sha256 ed25519": "1.3.101.112",
};

/** Signs `tbs`; the algorithm and the signature follow it in a certificate as in a revocation list. */
export function algorithmOf(hash: "sha256" | "sha1", key: KeyObject): Bytes {
  const id = oid(SIGNATURES[`${hash} ${key.asymmetricKeyType}`]);
  return key.asymmetricKeyType === "rsa" ? sequence(id, der(0x05)) : sequence(id);
}

export function signed(tbs: Bytes, hash: "sha256" | "sha1", key: KeyObject): Bytes {
  const signature = sign(key.asymmetricKeyType === "ed25519" ? null : hash, tbs, key);
  return sequence(tbs, algorithmOf(hash, key), der(0x03, Uint8Array.of(0), new Uint8Array(signature)));
}

export function time(timeMs: number): Bytes {
  const digits = new Date(timeMs).toISOString().replace(/\.\d+/, "").replace(/[-:T]/g, "");
  return der(0x18, text(digits));
}

export interface BuildOptions {
  subject: Bytes;
  /** Absent: itself. */
  issuer?: Built;
  /** Instead of the issuer's subject. */
  issuerName?: Bytes;
  key?: KeyName;
  keys?: Pair;
  hash?: "sha256" | "sha1";
  /** Absent extensions make one of version 1. */
  extensions?: Extension[];
  notBefore?: number;
  notAfter?: number;
  /** Rewrites the finished certificate. */
  rewrite?: (der: Bytes) => Bytes;
}

export interface Built {
  der: Bytes;
  pem: string;
  subject: Bytes;
  serial: Bytes;
  keys: Pair;
  /** PKCS#8, PEM. */
  key: string;
}

const DAY_MS = 86_400_000;
let serials = 0x4000;

/** Makes one certificate. */
export function build(options: BuildOptions): Built {
  const { subject, issuer, hash = "sha256", extensions } = options;
  const keys = options.keys ?? generateKeys(options.key ?? "P-256");
  const signer = issuer?.keys ?? keys;
  const serial = der(0x02, Uint8Array.of(0x20, ++serials >> 8, serials & 0xff));
  const tbs = sequence(
    ...(extensions === undefined ? [] : [der(0xa0, der(0x02, Uint8Array.of(2)))]),
    serial,
    algorithmOf(hash, signer.privateKey),
    options.issuerName ?? issuer?.subject ?? subject,
    sequence(time(options.notBefore ?? Date.now() - 10 * DAY_MS), time(options.notAfter ?? Date.now() + 30 * DAY_MS)),
    subject,
    new Uint8Array(keys.publicKey.export({ type: "spki", format: "der" }) as Buffer),
    ...(extensions === undefined ? [] : [der(
      0xa3,
      sequence(
        ...extensions.map(([id, critical, value]) =>
          sequence(oid(id), ...(critical ? [der(0x01, Uint8Array.of(0xff))] : []), der(0x04, value))
        ),
      ),
    )]),
  );
  const bytes = (options.rewrite ?? ((der) => der))(signed(tbs, hash, signer.privateKey));
  const key = keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  return { der: bytes, pem: writePem("CERTIFICATE", bytes), subject, serial, keys, key };
}
