/** Keys of one TLS 1.3 connection with SHA-256 and AES-128-GCM (RFC 8446 section 7.1). */
import { createHash, createHmac } from "node:crypto";

const HASH_BYTES = 32;
const ZEROS = new Uint8Array(HASH_BYTES);
const NOTHING = new Uint8Array(0);

/** Keys of one direction. */
export interface TrafficKeys {
  key: Uint8Array;
  iv: Uint8Array;
  /** The key that the Finished message of this direction is authenticated with. */
  finishedKey: Uint8Array;
}

export interface HandshakeKeys {
  client: TrafficKeys;
  server: TrafficKeys;
  /** The keys that the server sends with once its handshake is complete. */
  application(transcriptHash: Uint8Array): TrafficKeys;
}

/**
 * @param sharedSecret of the key exchange
 * @param helloHash hash of ClientHello and ServerHello
 */
export function deriveHandshakeKeys(sharedSecret: Uint8Array, helloHash: Uint8Array): HandshakeKeys {
  const emptyHash = sha256(NOTHING);
  const early = extract(ZEROS, ZEROS);
  const handshake = extract(expandLabel(early, "derived", emptyHash, HASH_BYTES), sharedSecret);
  const master = extract(expandLabel(handshake, "derived", emptyHash, HASH_BYTES), ZEROS);
  return {
    client: trafficKeys(expandLabel(handshake, "c hs traffic", helloHash, HASH_BYTES)),
    server: trafficKeys(expandLabel(handshake, "s hs traffic", helloHash, HASH_BYTES)),
    application: (hash) => trafficKeys(expandLabel(master, "s ap traffic", hash, HASH_BYTES)),
  };
}

export function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

export function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(data).digest());
}

function trafficKeys(secret: Uint8Array): TrafficKeys {
  return {
    key: expandLabel(secret, "key", NOTHING, 16),
    iv: expandLabel(secret, "iv", NOTHING, 12),
    finishedKey: expandLabel(secret, "finished", NOTHING, HASH_BYTES),
  };
}

/** HKDF-Extract (RFC 5869 section 2.2). */
function extract(salt: Uint8Array, secret: Uint8Array): Uint8Array {
  return hmac(salt, secret);
}

/** HKDF-Expand-Label. One block of HKDF-Expand is enough for every key here. */
function expandLabel(secret: Uint8Array, label: string, context: Uint8Array, length: number): Uint8Array {
  const name = new TextEncoder().encode(`tls13 ${label}`);
  const info = Uint8Array.of(length >> 8, length & 0xff, name.length, ...name, context.length, ...context, 1);
  return hmac(secret, info).subarray(0, length);
}
