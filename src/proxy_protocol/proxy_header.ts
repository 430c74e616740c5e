import type { Endpoints } from "./endpoint.ts";

/** A type-length-value vector of a version 2 header (section 2.2). */
export interface Tlv {
  type: number;
  value: Uint8Array;
}

/** A header that was received. It shares no memory with the bytes that it was read from. */
export interface ProxyHeader {
  version: 1 | 2;
  /** LOCAL means that the sender connects on its own behalf, usually for a health check. */
  command: "LOCAL" | "PROXY";
  /**
   * The ends of the original connection. IPv4-mapped addresses are IPv4 here, so that a client has one name only.
   * `null` (for LOCAL, UNKNOWN and UNSPEC) means that the ends of the connection itself count.
   */
  endpoints: Endpoints | null;
  /** The TLVs in the order of the header; empty in version 1 and for LOCAL. */
  tlvs: readonly Tlv[];
}
