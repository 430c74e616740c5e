/**
 * The cipher suites for OpenSSL and BoringSSL: those with forward secrecy and AEAD alone (RFC 9325 section 4.2), as
 * rustls has them built in. Their defaults for TLS 1.2 include CBC with SHA-1.
 */
export const CIPHERS: string = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-RSA-CHACHA20-POLY1305",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":");

/** Those of TLS 1.2, by how the server's key is used in them; numbers as on the wire. */
export const CIPHER_SUITES = {
  ECDHE_ECDSA: [0xc02c, 0xcca9, 0xc02b],
  ECDHE_RSA: [0xc030, 0xcca8, 0xc02f],
} as const;

/**
 * How long a session can be resumed, where an engine can be told: as on Deno's node:tls, which cannot. `Deno.listenTls`
 * takes a day.
 */
export const SESSION_SECONDS = 12 * 60 * 60;
