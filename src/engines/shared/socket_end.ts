import { unmapAddress } from "../../net/ip_address.ts";

/** One for all: ten thousand idle connections would hold two each. */
const UNIX_END = { hostname: "", port: 0 };

/** One end of a socket of Bun or Node, which know no address of a Unix socket. */
export function socketEnd(address: string | undefined, port: number | undefined): { hostname: string; port: number } {
  return address === undefined || address === "" ? UNIX_END : { hostname: unmapAddress(address), port: port ?? 0 };
}
