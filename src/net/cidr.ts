import ipaddr from "ipaddr.js";
import { ValueError } from "./value_error.ts";

/** What {@linkcode parseCidr} takes, to follow "must be". */
export const CIDR_ALLOWED = 'a network such as "10.0.0.0/8" or "2001:db8::/32", or one IP address';

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Parses a network in CIDR notation, or one address, and gives its canonical form: `10.1.2.3/8` is `10.0.0.0/8`.
 *
 * @throws {ValueError}
 */
export function parseCidr(text: unknown): string {
  const network = typeof text === "string" ? toNetwork(text) : null;
  if (!network) throw new ValueError("network", text, `must be ${CIDR_ALLOWED}`);
  const [address, bits] = network;
  const first = address.kind() === "ipv4"
    ? ipaddr.IPv4.networkAddressFromCIDR(`${address}/${bits}`)
    : ipaddr.IPv6.networkAddressFromCIDR(`${address}/${bits}`);
  return `${first}/${bits}`;
}

/**
 * Makes a test of whether an address lies in one of the networks. IPv4-mapped IPv6 addresses (`::ffff:10.0.0.1`, what a
 * dual-stack socket reports) count as IPv4. A text that is no IP address, such as a Unix peer's `""`, never matches.
 *
 * @param networks in the form that {@linkcode parseCidr} takes
 */
export function cidrMatcher(networks: readonly string[]): (address: string) => boolean {
  const parsed = networks.map((text) => {
    const network = toNetwork(text);
    if (!network) throw new ValueError("network", text, `must be ${CIDR_ALLOWED}`);
    return network;
  });
  if (parsed.length === 0) return () => false;
  return (text) => {
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text);
    return parsed.some(([network, bits]) => address.kind() === network.kind() && address.match(network, bits));
  };
}

function toNetwork(text: string): Network | null {
  // ipaddr.js also takes forms such as "0x7f.1". In an allow list each entry must have one meaning for every reader.
  const match = /^([0-9.]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:\/(\d{1,3}))?$/.exec(text);
  if (!match) return null;
  const [, host, bitsText] = match;
  if (!host.includes(":") && !ipaddr.IPv4.isValidFourPartDecimal(host)) return null;
  if (!ipaddr.isValid(host)) return null;
  let address = ipaddr.parse(host);
  let bits = bitsText === undefined ? (address.kind() === "ipv4" ? 32 : 128) : Number(bitsText);
  if (bits > (address.kind() === "ipv4" ? 32 : 128)) return null;
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && bits >= 96) {
    address = address.toIPv4Address();
    bits -= 96;
  }
  return [address, bits];
}
