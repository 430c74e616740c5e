import type { Endpoints } from "./endpoint.ts";

/** A type-length-value vector of a version 2 header (section 2.2). */
export interface Tlv {
  type: number;
  value: Uint8Array;
}

/** A header that was received. It shares no memory with the bytes it came from. */
export interface ProxyHeader {
  version: 1 | 2;
  /** LOCAL: the sender speaks for itself (a health check, as a rule). */
  command: "LOCAL" | "PROXY";
  /**
   * The ends of the original connection, IPv4-mapped addresses as IPv4, so that a client has one name only. `null`: the
   * real connection's ends count (LOCAL, UNKNOWN, UNSPEC).
   */
  endpoints: Endpoints | null;
  /** In their order; empty in version 1 and for LOCAL. */
  tlvs: readonly Tlv[];
}
