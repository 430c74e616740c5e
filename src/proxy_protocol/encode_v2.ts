import { crc32cWithHole } from "./crc32c.ts";
import { commonFamily, type Endpoint, type Endpoints } from "./endpoint.ts";
import type { Tlv } from "./proxy_header.ts";
import { TlvWriter } from "./tlv_writer.ts";
import {
  ADDRESS_BYTES,
  Family,
  SSL_FIXED_BYTES,
  SslClientFlag,
  SslTlvType,
  TlvType,
  Transport,
  UNIQUE_ID_MAX_BYTES,
  UNIX_PATH_BYTES,
  V2_FIXED_BYTES,
  V2_MAX_BYTES,
  V2_SIGNATURE,
} from "./wire.ts";

/**
 * Bytes that a header takes at most unless told otherwise: what nginx reads at most (1.23.2 and later; less where
 * `client_header_buffer_size` is less, and 107 before). HAProxy reads 16384, and from 2.9 on no TLV of
 * more than 1024. A longer one is not read but refused.
 */
export const DEFAULT_MAX_HEADER_BYTES = 4096;

/** The least limit: the fixed part, the largest addresses, and the checksum. */
export const LEAST_MAX_HEADER_BYTES = V2_FIXED_BYTES + ADDRESS_BYTES[Family.unix] + 7;

/** A longer name (ALPN, server name, cipher, common name) is no honest one; it is left out, in UTF-8 bytes. */
const NAME_MAX_BYTES = 255;

/** What section 2.2.6 says of the client's TLS. */
export interface SslInput {
  /** `TLSv1.3`; required, as the section requires it wherever the client used TLS. */
  version: string;
  cipher?: string;
  /** The client's certificate, where one was presented. */
  client?: {
    /** It was presented on this very connection, not on an earlier one of a resumed session. */
    onThisConnection: boolean;
    /** It was verified, with success. */
    verified: boolean;
    commonName?: string;
    /** The certificate, to be sent along. */
    der?: Uint8Array;
  };
}

export interface V2Input extends Endpoints {
  /** Section 2.2.1: the protocol that was negotiated. */
  alpn?: string;
  /** Section 2.2.2: the server name (SNI). */
  authority?: string;
  /** Section 2.2.5: at most 128 bytes. */
  uniqueId?: string | Uint8Array;
  /** Section 2.2.6. */
  ssl?: SslInput;
  /** TLVs that are handed on as they came; those that do not fit are left out. */
  forwarded?: readonly Tlv[];
  /** Section 2.2.3: add the checksum. */
  crc32c?: boolean;
}

/** What did not fit, or was too long to be true. */
type OmittedTlv =
  | "alpn"
  | "authority"
  | "unique-id"
  | "ssl"
  | "cipher"
  | "common-name"
  | "client-cert"
  | "forwarded";

export interface EncodedHeader {
  bytes: Uint8Array;
  /** TLVs that were asked for and left out, because the header would have become invalid or too long. */
  omitted: readonly OmittedTlv[];
}

interface EncodeV2Options {
  /** The longest header to make, in bytes: {@linkcode LEAST_MAX_HEADER_BYTES} to 65551. */
  maxBytes?: number;
  /** A buffer of at least `maxBytes` to work in; the result does not share it. */
  scratch?: Uint8Array;
}

const NOTHING: readonly OmittedTlv[] = [];

/** Section 2.2.6: verify is "non-zero otherwise"; 1 is OpenSSL's X509_V_ERR_UNSPECIFIED. */
const NOT_VERIFIED = 1;

/** Section 2.2: version 2 in the high four bits, the command in the low ones. */
const PROXY = 0x21;
const LOCAL = 0x20;

/**
 * Encodes a version 2 header (section 2.2). Named Unix sockets are AF_UNIX, an end without a name all NUL. Ends without
 * addresses (a Unix listener's, as the engines report them) are LOCAL and UNSPEC, as HAProxy sends them: a receiver may reject
 * PROXY with UNSPEC (HAProxy 2.6 does, and AF_UNIX too), but must accept LOCAL, and uses the real ends for both. A TLV that is
 * too long is left out, never cut: a cut name is another name.
 *
 * @throws {RangeError} a port is no integer from 0 to 65535, or `maxBytes` is out of range
 */
export function encodeV2(input: V2Input, options: EncodeV2Options = {}): EncodedHeader {
  const maxBytes = checkMaxHeaderBytes(options.maxBytes ?? DEFAULT_MAX_HEADER_BYTES);
  const out = options.scratch ?? new Uint8Array(maxBytes);
  out.set(V2_SIGNATURE);
  const writer = new TlvWriter(out, writeAddresses(input, out), maxBytes);

  // In front of all that may not fit, so that it always does.
  const checksumAt = input.crc32c ? writer.at + 3 : 0;
  if (input.crc32c) writer.bytes(TlvType.crc32c, new Uint8Array(4), 4);

  const omitted: OmittedTlv[] = [];
  if (input.alpn && !writer.text(TlvType.alpn, input.alpn, NAME_MAX_BYTES)) omitted.push("alpn");
  if (input.authority && !writer.text(TlvType.authority, input.authority, NAME_MAX_BYTES)) omitted.push("authority");
  if (input.uniqueId?.length) {
    const fits = typeof input.uniqueId === "string"
      ? writer.text(TlvType.uniqueId, input.uniqueId, UNIQUE_ID_MAX_BYTES)
      : writer.bytes(TlvType.uniqueId, input.uniqueId, UNIQUE_ID_MAX_BYTES);
    if (!fits) omitted.push("unique-id");
  }
  if (input.ssl) writeSsl(writer, input.ssl, omitted);
  for (const { type, value } of input.forwarded ?? []) {
    if (!writer.bytes(type, value, V2_MAX_BYTES) && !omitted.includes("forwarded")) omitted.push("forwarded");
  }

  writer.uint16(14, writer.at - V2_FIXED_BYTES);
  if (input.crc32c) writer.uint32(checksumAt, crc32cWithHole(out, checksumAt, writer.at));
  return { bytes: out.slice(0, writer.at), omitted: omitted.length === 0 ? NOTHING : omitted };
}

/**
 * Answers `maxBytes`.
 *
 * @throws {RangeError} it is no integer from {@linkcode LEAST_MAX_HEADER_BYTES} to 65551
 */
export function checkMaxHeaderBytes(maxBytes: number): number {
  if (Number.isInteger(maxBytes) && maxBytes >= LEAST_MAX_HEADER_BYTES && maxBytes <= V2_MAX_BYTES) return maxBytes;
  throw new RangeError(
    `Cannot encode PROXY headers of at most ${maxBytes} bytes: allowed are ${LEAST_MAX_HEADER_BYTES} to ${V2_MAX_BYTES}`,
  );
}

/** Writes the 13th and 14th byte and the address block; answers where the TLVs start. */
function writeAddresses(endpoints: Endpoints, out: Uint8Array): number {
  const common = commonFamily(endpoints);
  const family = Family[common.family];
  const end = V2_FIXED_BYTES + ADDRESS_BYTES[family];
  out[12] = common.family === "unspec" ? LOCAL : PROXY;
  out[13] = family << 4 | (common.family === "unspec" ? Transport.unspec : Transport.stream);
  if ("source" in common) {
    const size = common.source.length;
    out.set(common.source, V2_FIXED_BYTES);
    out.set(common.destination, V2_FIXED_BYTES + size);
    const { source, destination } = endpoints;
    out[end - 4] = source.port >>> 8;
    out[end - 3] = source.port & 0xff;
    out[end - 2] = destination.port >>> 8;
    out[end - 1] = destination.port & 0xff;
  } else if (common.family === "unix") {
    writePath(out, V2_FIXED_BYTES, endpoints.source);
    writePath(out, V2_FIXED_BYTES + UNIX_PATH_BYTES, endpoints.destination);
  }
  return end;
}

const encoder = new TextEncoder();

function writePath(out: Uint8Array, at: number, { path = "" }: Endpoint): void {
  out.fill(0, at, at + UNIX_PATH_BYTES);
  const bytes = encoder.encode(path);
  if (bytes.length <= UNIX_PATH_BYTES) out.set(bytes, at);
}

/** Section 2.2.6. The certificate comes last, so that everything smaller has its place first. */
function writeSsl(writer: TlvWriter, ssl: SslInput, omitted: OmittedTlv[]): void {
  const { client } = ssl;
  let flags: number = SslClientFlag.ssl;
  if (client) flags |= SslClientFlag.certificateInSession;
  if (client?.onThisConnection) flags |= SslClientFlag.certificateOnConnection;

  const start = writer.at;
  if (!writer.open(TlvType.ssl, SSL_FIXED_BYTES)) {
    omitted.push("ssl");
    return;
  }
  writer.push(flags);
  writer.pushUint32(client?.verified ? 0 : NOT_VERIFIED);
  // "When this field is present, the US-ASCII string representation of the TLS version is appended": no TLV without it.
  if (ssl.version === "" || !writer.text(SslTlvType.version, ssl.version, NAME_MAX_BYTES)) {
    writer.at = start;
    omitted.push("ssl");
    return;
  }
  if (ssl.cipher && !writer.text(SslTlvType.cipher, ssl.cipher, NAME_MAX_BYTES)) omitted.push("cipher");
  if (client?.commonName && !writer.text(SslTlvType.commonName, client.commonName, NAME_MAX_BYTES)) {
    omitted.push("common-name");
  }
  if (client?.der?.length && !writer.bytes(SslTlvType.clientCertificate, client.der, V2_MAX_BYTES)) {
    omitted.push("client-cert");
  }
  writer.close(start);
}
