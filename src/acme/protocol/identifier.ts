import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** What a certificate is asked for (RFC 8555 section 7.1.3, RFC 8738 section 3). */
export interface Identifier {
  type: "dns" | "ip";
  value: string;
}

/** The identifier of a name in the configuration: a DNS name, or an IP address. */
export function identifierOf(name: string): Identifier {
  return isIP(name) === 0 ? { type: "dns", value: name } : { type: "ip", value: canonicalAddress(name) };
}

/**
 * The server name (SNI) of the connection that validates an identifier: the name itself, or an IP address in its
 * reverse form, for server names can't be addresses (RFC 8738 section 6).
 */
export function challengeServerName({ type, value }: Identifier): string {
  if (type === "dns") return value;
  const bytes = ipaddr.parse(value).toByteArray();
  if (bytes.length === 4) return `${bytes.toReversed().join(".")}.in-addr.arpa`;
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 15]).map((nibble) => nibble.toString(16));
  return `${nibbles.toReversed().join(".")}.ip6.arpa`;
}

/** An IP address as RFC 5952 writes it, which RFC 8738 asks for. */
function canonicalAddress(address: string): string {
  const parsed = ipaddr.parse(address);
  return parsed.kind() === "ipv6" ? (parsed as ipaddr.IPv6).toRFC5952String() : parsed.toString();
}
