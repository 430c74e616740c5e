/**
 * The address as people write it: an IPv4 peer of a socket that takes both families is `::ffff:a.b.c.d` to the kernel
 * (RFC 4291 section 2.5.5.2), and would count as another client than the same one on an IPv4 socket.
 */
export function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

/** One for all: ten thousand idle connections would hold two each. */
const UNIX_END = { hostname: "", port: 0 };

/** One end of a socket of Bun or Node, which know no address of a Unix socket. */
export function socketEnd(address: string | undefined, port: number | undefined): { hostname: string; port: number } {
  return address === undefined || address === "" ? UNIX_END : { hostname: plainAddress(address), port: port ?? 0 };
}
