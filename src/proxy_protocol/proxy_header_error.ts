/**
 * Why a PROXY header was refused: the first word of a record's `error`. The parser gives all but the last two, which
 * the session gives where bytes are missing.
 */
export const PROXY_HEADER_REASONS = [
  /** The first bytes are of neither version (section 2.2, "otherwise the protocol is not covered"). */
  "not-a-header",
  /** A version 1 line that does not match the block of section 2.1 exactly. */
  "bad-line",
  /** The signature of version 2, with another version. */
  "bad-version",
  /** Neither LOCAL nor PROXY. */
  "bad-command",
  /** A family or transport that version 2 does not define. */
  "bad-family",
  /** A version 1 address that is not one of its family. */
  "bad-address",
  /** A version 1 port that is no decimal number from 0 to 65535 without leading zeros. */
  "bad-port",
  /** A version 2 length too short for the family's addresses. */
  "bad-length",
  /** A TLV that runs past its end, or whose value its type does not allow. */
  "bad-tlv",
  /** The checksum does not match. */
  "bad-crc",
  /** The header is longer than what is read. */
  "too-long",
  /** The header was not complete in time. */
  "timeout",
  /** The sender closed the connection before the header was complete. */
  "truncated",
] as const;
export type ProxyHeaderReason = typeof PROXY_HEADER_REASONS[number];

/** A PROXY header that must not be believed; the connection is to be closed (section 2.1, "abort the connection"). */
export class ProxyHeaderError extends Error {
  override readonly name = "ProxyHeaderError";
  constructor(readonly reason: ProxyHeaderReason, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}
