/**
 * The server's side of the one handshake that validates a name for an ACME server (RFC 8737): TLS 1.3, one cipher
 * suite, no resumption, no client certificate, no data. It is written here because the certificate of a validation has
 * a critical extension that no TLS library need know: rustls, and so Deno, refuses to load such a certificate. Nothing
 * that this handshake protects is secret: its key is made for it, and it ends before any byte of an application.
 */
import { randomBytes, sign, timingSafeEqual } from "node:crypto";
import { readPem } from "../certificates/pem.ts";
import type { Challenge } from "./challenge.ts";
import { ACME_TLS } from "./challenge.ts";
import { exchangeKey, GROUPS } from "./key_exchange.ts";
import { deriveHandshakeKeys, type HandshakeKeys, hmac, sha256 } from "./key_schedule.ts";
import type { Offer } from "./offer.ts";
import { concat, Opener, plainRecord, RECORD, Sealer } from "./record_protection.ts";

const TLS13 = 0x0304;
const AES_128_GCM_SHA256 = 0x1301;
const ECDSA_P256_SHA256 = 0x0403;
const MESSAGE = {
  serverHello: 2,
  encryptedExtensions: 8,
  certificate: 11,
  certificateVerify: 15,
  finished: 20,
} as const;
const EXTENSION = { alpn: 16, supportedVersions: 43, keyShare: 51 } as const;
const ALERT = { closeNotify: 0, handshakeFailure: 40, unrecognizedName: 112 } as const;
/** Most bytes that a client may send after its ClientHello. */
const MAX_RECORD_BYTES = 16 * 1024 + 256;

/** A validation cannot be answered. `alert` is a record for the client. */
export class ChallengeError extends Error {
  override readonly name = "ChallengeError";
  constructor(message: string, readonly alert: Uint8Array | null = null) {
    super(message);
  }
}

/** One handshake, from bytes to bytes. The caller has the connection, and writes what this returns. */
export class ChallengeHandshake {
  /** The bytes to write first. */
  readonly flight: Uint8Array;
  readonly #keys: HandshakeKeys;
  readonly #opener: Opener;
  /** The Finished message that the client has to send. */
  readonly #expected: Uint8Array;
  /** The hash of all messages up to the server's Finished. */
  readonly #hash: Uint8Array;
  #bytes: Uint8Array = new Uint8Array(0);

  /**
   * @param hello the ClientHello message with its header
   * @param challenge `undefined` where there is none for the server name
   * @throws {ChallengeError}
   */
  constructor(hello: Uint8Array, offer: Offer, challenge: Challenge | undefined) {
    const refuse = (alert: number, message: string) => new ChallengeError(message, plainAlert(alert));
    if (challenge === undefined) {
      const name = JSON.stringify(offer.serverName.slice(0, 255));
      throw refuse(ALERT.unrecognizedName, `No challenge for server name ${name}`);
    }
    const group = [GROUPS.x25519, GROUPS.p256].find((group) => offer.shares.has(group));
    if (
      group === undefined || !offer.versions.includes(TLS13) || !offer.cipherSuites.includes(AES_128_GCM_SHA256) ||
      !offer.signatureAlgorithms.includes(ECDSA_P256_SHA256)
    ) {
      const needed = "TLS 1.3 with AES-128-GCM, ECDSA P-256, and a key share of X25519 or P-256";
      throw refuse(ALERT.handshakeFailure, `Client that validates must offer ${needed}`);
    }
    const { share, secret } = exchange(group, offer.shares.get(group)!, refuse);
    const serverHello = makeServerHello(offer, group, share);
    this.#keys = deriveHandshakeKeys(secret, sha256(hello, serverHello));
    const sealer = new Sealer(this.#keys.server);
    const extensions = message(MESSAGE.encryptedExtensions, vector16(alpnExtension()));
    const certificate = makeCertificate(challenge);
    const verify = makeCertificateVerify(challenge, sha256(hello, serverHello, extensions, certificate));
    const beforeFinished = sha256(hello, serverHello, extensions, certificate, verify);
    const finished = message(MESSAGE.finished, hmac(this.#keys.server.finishedKey, beforeFinished));
    this.#hash = sha256(hello, serverHello, extensions, certificate, verify, finished);
    this.#expected = message(MESSAGE.finished, hmac(this.#keys.client.finishedKey, this.#hash));
    this.#opener = new Opener(this.#keys.client);
    this.flight = concat(
      plainRecord(RECORD.handshake, serverHello),
      // This is for middleboxes that take the connection for TLS 1.2 (RFC 8446 appendix D.4).
      plainRecord(RECORD.changeCipherSpec, Uint8Array.of(1)),
      sealer.seal(RECORD.handshake, concat(extensions, certificate, verify, finished)),
    );
  }

  /**
   * Takes the bytes that come from the client after its ClientHello.
   * @returns the bytes to write last, which are a close_notify; `null` while more is to come
   * @throws {ChallengeError} where the client does not accept the certificate, or breaks the protocol
   */
  receive(chunk: Uint8Array): Uint8Array | null {
    this.#bytes = concat(this.#bytes, chunk);
    for (;;) {
      if (this.#bytes.length < 5) return null;
      const length = this.#bytes[3] << 8 | this.#bytes[4];
      if (length > MAX_RECORD_BYTES) throw new ChallengeError("Record is too long");
      if (this.#bytes.length < 5 + length) return null;
      const record = this.#bytes.subarray(0, 5 + length);
      this.#bytes = this.#bytes.subarray(5 + length);
      if (record[0] === RECORD.changeCipherSpec) continue;
      if (record[0] === RECORD.alert) throw new ChallengeError(`Client sent alert ${record[6] ?? "without a number"}`);
      if (record[0] !== RECORD.applicationData) throw new ChallengeError(`Unexpected record of type ${record[0]}`);
      return this.#finish(record);
    }
  }

  #finish(record: Uint8Array): Uint8Array {
    let opened;
    try {
      opened = this.#opener.open(record);
    } catch {
      throw new ChallengeError("Client's record is not authentic");
    }
    const { type, content } = opened;
    if (type === RECORD.alert) throw new ChallengeError(`Client sent alert ${content[1] ?? "without a number"}`);
    const isFinished = type === RECORD.handshake && content.length === this.#expected.length &&
      timingSafeEqual(content, this.#expected);
    if (!isFinished) throw new ChallengeError("Client's Finished is wrong");
    const sealer = new Sealer(this.#keys.application(this.#hash));
    return sealer.seal(RECORD.alert, Uint8Array.of(1, ALERT.closeNotify));
  }
}

function exchange(group: number, share: Uint8Array, refuse: (alert: number, message: string) => ChallengeError) {
  try {
    return exchangeKey(group, share);
  } catch {
    throw refuse(ALERT.handshakeFailure, "Client's key share is invalid");
  }
}

function makeServerHello({ sessionId }: Offer, group: number, share: Uint8Array): Uint8Array {
  const extensions = concat(
    extension(EXTENSION.supportedVersions, uint16(TLS13)),
    extension(EXTENSION.keyShare, concat(uint16(group), vector16(share))),
  );
  return message(
    MESSAGE.serverHello,
    concat(
      uint16(0x0303),
      new Uint8Array(randomBytes(32)),
      vector8(sessionId),
      uint16(AES_128_GCM_SHA256),
      Uint8Array.of(0),
      vector16(extensions),
    ),
  );
}

function alpnExtension(): Uint8Array {
  return extension(EXTENSION.alpn, vector16(vector8(new TextEncoder().encode(ACME_TLS))));
}

function makeCertificate({ cert }: Challenge): Uint8Array {
  const entry = concat(vector24(readPem(cert)[0].der), uint16(0));
  return message(MESSAGE.certificate, concat(Uint8Array.of(0), vector24(entry)));
}

function makeCertificateVerify({ key }: Challenge, hash: Uint8Array): Uint8Array {
  const context = new TextEncoder().encode(`${" ".repeat(64)}TLS 1.3, server CertificateVerify\0`);
  const signature = new Uint8Array(sign("sha256", concat(context, hash), key));
  return message(MESSAGE.certificateVerify, concat(uint16(ECDSA_P256_SHA256), vector16(signature)));
}

function plainAlert(description: number): Uint8Array {
  return plainRecord(RECORD.alert, Uint8Array.of(2, description));
}

function message(type: number, body: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(type), vector24(body));
}

function extension(type: number, data: Uint8Array): Uint8Array {
  return concat(uint16(type), vector16(data));
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function vector8(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(bytes.length), bytes);
}

function vector16(bytes: Uint8Array): Uint8Array {
  return concat(uint16(bytes.length), bytes);
}

function vector24(bytes: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(bytes.length >> 16, bytes.length >> 8 & 0xff, bytes.length & 0xff), bytes);
}
