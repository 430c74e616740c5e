import type { ProxyProtocolTlv } from "../config/config.ts";
import { encodeV1 } from "./encode_v1.ts";
import {
  checkMaxHeaderBytes,
  DEFAULT_MAX_HEADER_BYTES,
  type EncodedHeader,
  encodeV2,
  type SslInput,
} from "./encode_v2.ts";
import type { Endpoints } from "./endpoint.ts";
import type { Tlv } from "./proxy_header.ts";
import { TlvType } from "./wire.ts";

interface HeaderEncoderOptions {
  version: "v1" | "v2";
  /**
   * TLVs to send where they are known; version 1 has none. `client-cert` implies `ssl`, the TLV that it is nested in.
   */
  tlvs: readonly ProxyProtocolTlv[];
  /** The longest header, in bytes. A client certificate that would make the header longer is left out. */
  maxBytes?: number;
}

const NOTHING: EncodedHeader["omitted"] = [];

/** What a header can tell of the client's TLS session. A field that is not known is absent. */
interface HeaderTls {
  /** `TLSv1.2` or `TLSv1.3`. */
  version?: string;
  cipher?: string;
  sni?: string;
  alpn?: string;
  resumed?: boolean;
  /** The verified certificate of the client; `der` holds the bytes that the client sent. */
  peer?: { commonName: string; der: Uint8Array };
}

/** Makes the header of one connection. */
type HeaderEncoder = (
  endpoints: Endpoints,
  tls: HeaderTls,
  uniqueId: string,
  /** TLVs of the header that came in, of types that {@linkcode isForwardable} names. */
  forwarded?: readonly Tlv[],
) => EncodedHeader;

/**
 * Makes a listener's encoder. What is the same for every connection is done once, here.
 *
 * What the engine does not know is left out. Without the TLS version the whole SSL TLV is left out, because section
 * 2.2.6 requires the version in it. `tls.peer` counts as verified: an engine reports no certificate that failed, and
 * none that it did not ask for. Where `tls.resumed` is unknown, the header says that the certificate was presented in
 * this session but not that it was on this connection, which is true in either case.
 *
 * @throws {RangeError} `maxBytes` is out of range
 */
export function createHeaderEncoder(options: HeaderEncoderOptions): HeaderEncoder {
  if (options.version === "v1") return (endpoints) => ({ bytes: encodeV1(endpoints), omitted: NOTHING });

  const maxBytes = checkMaxHeaderBytes(options.maxBytes ?? DEFAULT_MAX_HEADER_BYTES);
  const tlvs = new Set(options.tlvs);
  const sendAlpn = tlvs.has("alpn");
  const sendAuthority = tlvs.has("authority");
  const sendUniqueId = tlvs.has("unique-id");
  const sendCertificate = tlvs.has("client-cert");
  const sendSsl = tlvs.has("ssl") || sendCertificate;
  const crc32c = tlvs.has("crc32c");
  const v2Options = { maxBytes, scratch: new Uint8Array(maxBytes) };

  return ({ source, destination }, tls, uniqueId, forwarded) =>
    encodeV2({
      source,
      destination,
      alpn: sendAlpn ? tls.alpn : undefined,
      authority: sendAuthority ? tls.sni : undefined,
      uniqueId: sendUniqueId ? uniqueId : undefined,
      ssl: sendSsl ? sslInput(tls, sendCertificate) : undefined,
      // The proxy's own value replaces one that came in: two of the same type would contradict each other.
      forwarded: sendUniqueId ? forwarded?.filter(({ type }) => type !== TlvType.uniqueId) : forwarded,
      crc32c,
    }, v2Options);
}

function sslInput(tls: HeaderTls, sendCertificate: boolean): SslInput | undefined {
  if (!tls.version) return undefined;
  const { peer } = tls;
  return {
    version: tls.version,
    cipher: tls.cipher,
    client: peer && {
      onThisConnection: tls.resumed === false,
      verified: true,
      commonName: peer.commonName,
      der: sendCertificate ? peer.der : undefined,
    },
  };
}
