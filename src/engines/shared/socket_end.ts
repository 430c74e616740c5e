import { unmapAddress } from "../../net/ip_address.ts";

/** One object for all Unix sockets, since each of ten thousand idle connections would have two. */
const UNIX_END = { hostname: "", port: 0 };

/** One end of a socket of Bun or Node, which have no address for a Unix socket. */
export function socketEnd(address: string | undefined, port: number | undefined): { hostname: string; port: number } {
  return address === undefined || address === "" ? UNIX_END : { hostname: unmapAddress(address), port: port ?? 0 };
}
