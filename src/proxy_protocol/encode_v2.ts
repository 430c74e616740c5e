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
 * Most bytes of a header, by default. nginx reads no more (since 1.23.2; less where `client_header_buffer_size` is
 * less, and 107 bytes before). HAProxy reads 16384 bytes, and since 2.9 no TLV of more than 1024. Both refuse a longer
 * header.
 */
export const DEFAULT_MAX_HEADER_BYTES = 4096;

/** The lowest limit that may be set: the fixed part, the largest addresses and the checksum fit into it. */
export const LEAST_MAX_HEADER_BYTES = V2_FIXED_BYTES + ADDRESS_BYTES[Family.unix] + 7;

/**
 * Most bytes (UTF-8) of a name: ALPN, server name, cipher, common name. No real name is longer; one that is, is left
 * out.
 */
const NAME_MAX_BYTES = 255;

/** What the SSL TLV (section 2.2.6) tells of the client's TLS. */
export interface SslInput {
  /** Such as `TLSv1.3`. The section requires it wherever the client used TLS. */
  version: string;
  cipher?: string;
  /** The client's certificate, where one was presented. */
  client?: {
    /** Whether it was presented on this connection, and not on an earlier one of a resumed session. */
    onThisConnection: boolean;
    /** Whether it was verified with success. */
    verified: boolean;
    commonName?: string;
    /** The certificate's DER form, where it is to be sent, too. */
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
  /** TLVs to hand on as they came in. Those that do not fit are left out. */
  forwarded?: readonly Tlv[];
  /** Section 2.2.3: whether to add the checksum. */
  crc32c?: boolean;
}

/** A TLV that did not fit, or whose value was too long to be a real name. */
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
  /** TLVs that were asked for but left out, because the header would have become invalid or too long. */
  omitted: readonly OmittedTlv[];
}

interface EncodeV2Options {
  /** The longest header to make, in bytes: {@linkcode LEAST_MAX_HEADER_BYTES} to 65551. */
  maxBytes?: number;
  /** A buffer of at least `maxBytes` to work in. The result does not share it. */
  scratch?: Uint8Array;
}

const NOTHING: readonly OmittedTlv[] = [];

/** Section 2.2.6: verify is "non-zero otherwise"; 1 is OpenSSL's X509_V_ERR_UNSPECIFIED. */
const NOT_VERIFIED = 1;

/** Section 2.2: version 2 in the high four bits, the command in the low ones. */
const PROXY = 0x21;
const LOCAL = 0x20;

/**
 * Encodes a version 2 header (section 2.2). Named Unix sockets are AF_UNIX, in which an end without a name is all NUL.
 * Ends without addresses (a Unix listener's, as the engines report them) are LOCAL and UNSPEC, as HAProxy sends them. A
 * receiver may reject PROXY with UNSPEC (HAProxy 2.6 does, and with AF_UNIX, too), but must accept LOCAL, and uses the
 * connection's own ends then. A TLV that is too long is left out and never cut, because a cut name is another name.
 *
 * @throws {RangeError} a port is no integer from 0 to 65535, or `maxBytes` is out of range
 */
export function encodeV2(input: V2Input, options: EncodeV2Options = {}): EncodedHeader {
  const maxBytes = checkMaxHeaderBytes(options.maxBytes ?? DEFAULT_MAX_HEADER_BYTES);
  const out = options.scratch ?? new Uint8Array(maxBytes);
  out.set(V2_SIGNATURE);
  const writer = new TlvWriter(out, writeAddresses(input, out), maxBytes);

  // The checksum is reserved before anything that may not fit, so that it always fits.
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
 * Returns `maxBytes` where it is allowed.
 *
 * @throws {RangeError} it is no integer from {@linkcode LEAST_MAX_HEADER_BYTES} to 65551
 */
export function checkMaxHeaderBytes(maxBytes: number): number {
  if (Number.isInteger(maxBytes) && maxBytes >= LEAST_MAX_HEADER_BYTES && maxBytes <= V2_MAX_BYTES) return maxBytes;
  throw new RangeError(
    `Cannot encode PROXY headers of at most ${maxBytes} bytes: allowed are ${LEAST_MAX_HEADER_BYTES} to ${V2_MAX_BYTES}`,
  );
}

/** Writes the 13th and 14th byte and the address block. Returns where the TLVs start. */
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

/**
 * Writes the SSL TLV (section 2.2.6). The certificate comes last, so that it leaves out nothing smaller than itself.
 */
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
