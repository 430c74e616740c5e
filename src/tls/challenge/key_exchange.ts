import { createECDH, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { Buffer } from "node:buffer";

/** Named groups (RFC 8446 section 4.2.7) that a key can be exchanged in, the preferred one first. */
export const GROUPS = { x25519: 0x001d, p256: 0x0017 } as const;

interface Exchanged {
  /** The public key of this side, for the client. */
  share: Uint8Array;
  secret: Uint8Array;
}

/**
 * Agrees on a shared secret with the client's public key.
 * @throws {Error} where the client's is no public key of the group
 */
export function exchangeKey(group: number, clientShare: Uint8Array): Exchanged {
  return group === GROUPS.x25519 ? exchangeX25519(clientShare) : exchangeP256(clientShare);
}

function exchangeX25519(clientShare: Uint8Array): Exchanged {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const x = Buffer.from(clientShare).toString("base64url");
  const theirs = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
  const own = publicKey.export({ format: "jwk" }).x!;
  return {
    share: new Uint8Array(Buffer.from(own, "base64url")),
    secret: new Uint8Array(diffieHellman({ privateKey, publicKey: theirs })),
  };
}

function exchangeP256(clientShare: Uint8Array): Exchanged {
  const own = createECDH("prime256v1");
  const share = new Uint8Array(own.generateKeys());
  return { share, secret: new Uint8Array(own.computeSecret(clientShare)) };
}
