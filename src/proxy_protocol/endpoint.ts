import { mapToIpv6, parseIp } from "../net/ip_address.ts";

/** One end of a connection, as in the contract of engines. */
export interface Endpoint {
  /** An IP address; "" on a Unix socket. */
  hostname: string;
  port: number;
  /** Path of a Unix socket; absent or "" where it has no name. An abstract name begins with NUL (unix(7)). */
  path?: string;
}

export interface Endpoints {
  /** The client. */
  source: Endpoint;
  /** What the client connected to. */
  destination: Endpoint;
}

/** Both ends in one family. Neither version can express more than one. */
type CommonFamily =
  | { family: "inet" | "inet6"; source: Uint8Array; destination: Uint8Array }
  | { family: "unix" | "unspec" };

/**
 * Finds the family that can express both ends. IPv4-mapped ends count as IPv4. With one IPv4 and one IPv6 end the IPv4
 * one is mapped, so that no address is lost. Unix sockets are `unix` where either has a name. Everything else is
 * `unspec`.
 *
 * @throws {RangeError} a port is no integer from 0 to 65535
 */
export function commonFamily({ source, destination }: Endpoints): CommonFamily {
  checkPort(source.port);
  checkPort(destination.port);
  if (source.hostname === "" && destination.hostname === "") {
    return { family: source.path || destination.path ? "unix" : "unspec" };
  }
  const from = parseIp(source.hostname);
  const to = parseIp(destination.hostname);
  if (!from || !to) return { family: "unspec" };
  if (from.length === 4 && to.length === 4) return { family: "inet", source: from, destination: to };
  return { family: "inet6", source: mapToIpv6(from), destination: mapToIpv6(to) };
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new RangeError(`Cannot encode port ${port}: it must be an integer from 0 to 65535`);
  }
}
