/**
 * Constants of the PROXY protocol on the wire. Sections here and in this folder are those of "The PROXY protocol,
 * Versions 1 & 2" (proxy-protocol.txt in HAProxy's documentation).
 */

/** Section 2.1: the longest version 1 line, its CRLF included, in bytes. */
export const V1_MAX_BYTES = 107;

/** Section 2.2: the block that every version 2 header starts with. */
export const V2_SIGNATURE: Uint8Array = Uint8Array.of(
  0x0d,
  0x0a,
  0x0d,
  0x0a,
  0x00,
  0x0d,
  0x0a,
  0x51,
  0x55,
  0x49,
  0x54,
  0x0a,
);

/** Section 2.2: bytes in front of the addresses: signature, version and command, family and transport, length. */
export const V2_FIXED_BYTES = 16;

/** Section 2.2: the longest header that the 16-bit length can declare, in bytes. */
export const V2_MAX_BYTES = V2_FIXED_BYTES + 0xffff;

/** Section 2.2: bytes of one Unix address, `sun_path` padded with NUL. */
export const UNIX_PATH_BYTES = 108;

/** Section 2.2: the high four bits of the 14th byte. */
export const Family = { unspec: 0, inet: 1, inet6: 2, unix: 3 } as const;

/** Section 2.2: the low four bits of the 14th byte. */
export const Transport = { unspec: 0, stream: 1, dgram: 2 } as const;

/** Section 2.2: bytes of the address block of each {@linkcode Family}, for the transports that have one. */
export const ADDRESS_BYTES: readonly number[] = [0, 12, 36, 2 * UNIX_PATH_BYTES];

/** Sections 2.2.1 to 2.2.7: the registered types. */
export const TlvType = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  uniqueId: 0x05,
  ssl: 0x20,
  netns: 0x30,
} as const;

/**
 * Whether a TLV may be handed on from one header to the next. That is the unique id, which belongs to the connection on
 * its whole way, and the custom types of section 2.2.8 (0xE0 to 0xEF, such as AWS's 0xEA), which proxies leave alone.
 */
export function isForwardable(type: number): boolean {
  return type === TlvType.uniqueId || (type >= 0xe0 && type <= 0xef);
}

/** Section 2.2.6: bytes in front of the nested TLVs: client flags (1) and verify (4). */
export const SSL_FIXED_BYTES = 5;

/** Section 2.2.6: types inside {@linkcode TlvType.ssl}. */
export const SslTlvType = {
  version: 0x21,
  commonName: 0x22,
  cipher: 0x23,
  signatureAlgorithm: 0x24,
  keyAlgorithm: 0x25,
  group: 0x26,
  signatureScheme: 0x27,
  clientCertificate: 0x28,
} as const;

/** Section 2.2.6: bits of the `client` field. */
export const SslClientFlag = { ssl: 0x01, certificateOnConnection: 0x02, certificateInSession: 0x04 } as const;

/** Section 2.2.5: the longest unique id, in bytes. */
export const UNIQUE_ID_MAX_BYTES = 128;
