/** JSON Web Signatures as ACME needs them (RFC 7515, RFC 8555 section 6.2): ES256, and HS256 for external accounts. */
import { Buffer } from "node:buffer";
import { readPem, writePem } from "../../tls/certificates/pem.ts";

const ES256 = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** The key of an account. Never logged. */
export interface AccountKey {
  privateKey: CryptoKey;
  /** The public part, in the order of RFC 7638. */
  jwk: { crv: string; kty: string; x: string; y: string };
  /** The thumbprint of `jwk` (RFC 7638), base64url. */
  thumbprint: string;
  /** PKCS#8. */
  pem: string;
}

/** The key that binds a new account to one that a customer has with the authority (RFC 8555 section 7.3.4). */
export interface ExternalAccount {
  kid: string;
  /** Raw bytes of the HMAC key. Never logged. */
  hmacKey: Uint8Array<ArrayBuffer>;
}

/** Without padding (RFC 4648 section 5). */
export function base64url(data: Uint8Array | string): string {
  return Buffer.from(data as Uint8Array).toString("base64url");
}

/** Makes an ECDSA P-256 key. */
export async function generateAccountKey(): Promise<AccountKey> {
  const { privateKey } = await crypto.subtle.generateKey(ES256, true, ["sign", "verify"]) as CryptoKeyPair;
  return await describeKey(privateKey);
}

/**
 * Reads what {@linkcode generateAccountKey} gave out as PEM.
 * @throws {Error} where it is no PKCS#8 key of ECDSA P-256
 */
export async function importAccountKey(pem: string): Promise<AccountKey> {
  const block = readPem(pem).find(({ label }) => label === "PRIVATE KEY");
  if (block === undefined) throw new SyntaxError("no private key in it");
  const der = Uint8Array.from(block.der);
  return await describeKey(await crypto.subtle.importKey("pkcs8", der, ES256, true, ["sign"]));
}

async function describeKey(privateKey: CryptoKey): Promise<AccountKey> {
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", privateKey);
  const jwk = { crv: crv!, kty: kty!, x: x!, y: y! };
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey));
  return {
    privateKey,
    jwk,
    thumbprint: base64url(await sha256(JSON.stringify(jwk))),
    pem: writePem("PRIVATE KEY", pkcs8),
  };
}

/** SHA-256 of a text's UTF-8 bytes. */
export async function sha256(text: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/**
 * Signs with an account's key.
 * @param header protected header without `alg`
 * @param payload JSON, or "" for a request without a body (POST-as-GET)
 * @returns flattened JSON serialization
 */
export async function signEs256(key: AccountKey, header: Record<string, unknown>, payload: string): Promise<string> {
  return await sign({ alg: "ES256", ...header }, payload, (data) => crypto.subtle.sign(ES256, key.privateKey, data));
}

/**
 * Signs an account's public key with the key of an external account; the answer goes into the request for a new
 * account.
 */
export async function bindExternalAccount(
  { kid, hmacKey }: ExternalAccount,
  jwk: AccountKey["jwk"],
  url: string,
): Promise<unknown> {
  const key = await crypto.subtle.importKey("raw", hmacKey, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const header = { alg: "HS256", kid, url };
  return JSON.parse(await sign(header, JSON.stringify(jwk), (data) => crypto.subtle.sign("HMAC", key, data)));
}

async function sign(
  header: Record<string, unknown>,
  payload: string,
  signature: (data: Uint8Array<ArrayBuffer>) => Promise<ArrayBuffer>,
): Promise<string> {
  const encoded = { protected: base64url(JSON.stringify(header)), payload: base64url(payload) };
  const data = new TextEncoder().encode(`${encoded.protected}.${encoded.payload}`);
  return JSON.stringify({ ...encoded, signature: base64url(new Uint8Array(await signature(data))) });
}
