import { walkTlvs } from "../../src/proxy_protocol/parse_tlvs.ts";
import type { Tlv } from "../../src/proxy_protocol/proxy_header.ts";
import { SSL_FIXED_BYTES, SslClientFlag, SslTlvType } from "../../src/proxy_protocol/wire.ts";

/** The value of the first TLV of a type. */
export function findTlv(tlvs: readonly Tlv[], type: number): Uint8Array | undefined {
  return tlvs.find((tlv) => tlv.type === type)?.value;
}

/** What a sender tells of its client's TLS (section 2.2.6). A field that it does not tell is absent. */
export interface SslTlv {
  /** Whether the client connected over TLS. */
  ssl: boolean;
  /** Whether the client presented a certificate on this connection. */
  certificateOnConnection: boolean;
  /** Whether the client presented a certificate at least once in this session. */
  certificateInSession: boolean;
  /** 0 where a certificate was presented and verified. */
  verify: number;
  version?: string;
  commonName?: string;
  cipher?: string;
  signatureAlgorithm?: string;
  keyAlgorithm?: string;
  group?: string;
  signatureScheme?: string;
  /** DER. */
  clientCertificate?: Uint8Array;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Parses the value of a TLV of type 0x20. Text is UTF-8. Other bytes become U+FFFD, because common names are copied
 * from certificates as they are. Of several TLVs of one type the first counts.
 *
 * @throws {ProxyHeaderError} reason `bad-tlv`; never for a value that the header's parser let pass
 */
export function parseSslTlv(value: Uint8Array): SslTlv {
  const flags = value[0];
  const result: SslTlv = {
    ssl: (flags & SslClientFlag.ssl) !== 0,
    certificateOnConnection: (flags & SslClientFlag.certificateOnConnection) !== 0,
    certificateInSession: (flags & SslClientFlag.certificateInSession) !== 0,
    verify: (value[1] << 24 | value[2] << 16 | value[3] << 8 | value[4]) >>> 0,
  };
  walkTlvs(value, SSL_FIXED_BYTES, value.length, (type, at, next) => {
    const bytes = value.subarray(at, next);
    if (type === SslTlvType.clientCertificate) {
      result.clientCertificate ??= bytes.slice();
      return;
    }
    const field = TEXT_FIELDS[type];
    if (field) result[field] ??= decoder.decode(bytes);
  });
  return result;
}

const TEXT_FIELDS: Record<
  number,
  "version" | "commonName" | "cipher" | "signatureAlgorithm" | "keyAlgorithm" | "group" | "signatureScheme"
> = {
  [SslTlvType.version]: "version",
  [SslTlvType.commonName]: "commonName",
  [SslTlvType.cipher]: "cipher",
  [SslTlvType.signatureAlgorithm]: "signatureAlgorithm",
  [SslTlvType.keyAlgorithm]: "keyAlgorithm",
  [SslTlvType.group]: "group",
  [SslTlvType.signatureScheme]: "signatureScheme",
};
