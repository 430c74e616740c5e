import { Reader, readHandshake } from "../client_hello.ts";
import { ACME_TLS } from "./challenge.ts";

const EXTENSION = { serverName: 0, signatureAlgorithms: 13, alpn: 16, supportedVersions: 43, keyShare: 51 } as const;

/** What a client offers in its ClientHello (RFC 8446 section 4.1.2), as far as a validation needs it. */
export interface Offer {
  /** The server name; "" for none. */
  serverName: string;
  alpn: string[];
  sessionId: Uint8Array;
  cipherSuites: number[];
  versions: number[];
  signatureAlgorithms: number[];
  /** The client's public keys for the key exchange, by group. */
  shares: Map<number, Uint8Array>;
}

/** Whether a client comes to validate a name: it offers `acme-tls/1` and nothing else (RFC 8737 section 3). */
export function isValidation({ alpn }: Pick<Offer, "alpn">): boolean {
  return alpn.length === 1 && alpn[0] === ACME_TLS;
}

/**
 * Reads the ClientHello out of the first bytes of a connection.
 * @returns `undefined` while it is not complete; `null` where the bytes are no ClientHello: the handshake that follows
 * fails by that as well
 */
export function readOffer(bytes: Uint8Array): Offer | null | undefined {
  const message = readHandshake(bytes);
  if (message === undefined || message === null) return message;
  try {
    return parseOffer(new Reader(message));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function parseOffer(hello: Reader): Offer {
  hello.skip(2 + 32); // legacy_version, random
  const sessionId = hello.part(hello.uint8()).bytes;
  const cipherSuites = numbers(hello.part(hello.uint16()));
  hello.skip(hello.uint8()); // legacy_compression_methods
  const offer: Offer = {
    serverName: "",
    alpn: [],
    sessionId,
    cipherSuites,
    versions: [],
    signatureAlgorithms: [],
    shares: new Map(),
  };
  const extensions = hello.left === 0 ? hello : hello.part(hello.uint16());
  while (extensions.left > 0) {
    const type = extensions.uint16();
    const extension = extensions.part(extensions.uint16());
    if (type === EXTENSION.serverName) offer.serverName = readHostName(extension);
    else if (type === EXTENSION.alpn) offer.alpn = readProtocols(extension);
    else if (type === EXTENSION.supportedVersions) offer.versions = numbers(extension.part(extension.uint8()));
    else if (type === EXTENSION.signatureAlgorithms) {
      offer.signatureAlgorithms = numbers(extension.part(extension.uint16()));
    } else if (type === EXTENSION.keyShare) offer.shares = readShares(extension);
  }
  return offer;
}

function readHostName(extension: Reader): string {
  const names = extension.part(extension.uint16());
  while (names.left > 0) {
    const kind = names.uint8();
    const name = names.part(names.uint16());
    if (kind === 0) return name.ascii().toLowerCase();
  }
  return "";
}

function readProtocols(extension: Reader): string[] {
  const list = extension.part(extension.uint16());
  const protocols = [];
  while (list.left > 0) protocols.push(list.part(list.uint8()).ascii());
  return protocols;
}

function readShares(extension: Reader): Map<number, Uint8Array> {
  const list = extension.part(extension.uint16());
  const shares = new Map<number, Uint8Array>();
  while (list.left > 0) shares.set(list.uint16(), list.part(list.uint16()).bytes);
  return shares;
}

function numbers(list: Reader): number[] {
  const values = [];
  while (list.left > 0) values.push(list.uint16());
  return values;
}

/**
 * Returns the first handshake message with its header, as the hash of all messages needs it; `null` while it is not
 * complete.
 */
export function readHandshakeMessage(bytes: Uint8Array): Uint8Array | null {
  const body = readHandshake(bytes);
  if (body === undefined || body === null) return null;
  return Uint8Array.of(1, body.length >> 16, body.length >> 8 & 0xff, body.length & 0xff, ...body);
}
