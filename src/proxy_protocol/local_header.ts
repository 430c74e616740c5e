import type { ProxyProtocolVersion } from "../config/config.ts";
import { V2_SIGNATURE } from "./wire.ts";

/** Version 2, command LOCAL; no address family, no addresses (section 2.2). */
const LOCAL = [0x20, 0x00, 0x00, 0x00];

/**
 * The header of a connection that the proxy makes for itself, such as a health check: there is no client to tell of
 * (sections 2.1 and 2.2). `null` where the backend expects no header.
 */
export function localHeader(version: ProxyProtocolVersion): Uint8Array | null {
  if (version === "off") return null;
  return version === "v1"
    ? new TextEncoder().encode("PROXY UNKNOWN\r\n")
    : Uint8Array.from([...V2_SIGNATURE, ...LOCAL]);
}
