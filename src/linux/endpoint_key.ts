import ipaddr from "ipaddr.js";
import { unmapIpv4 } from "../net/ip_address.ts";

/** One end of a TCP connection. */
export interface Endpoint {
  hostname: string;
  port: number;
}

/** Both ends of a TCP connection, of which the local one is this machine's. */
export interface ConnectionEnds {
  local: Endpoint;
  remote: Endpoint;
}

/** Writes an end in a form in which ends can be compared, from the bytes of its address. */
export function addressKey(address: Uint8Array, port: number): string {
  return `${unmapIpv4(address).join(".")}:${port}`;
}

/** Writes an end in a form in which ends can be compared, from the text of its address. */
export function endpointKey({ hostname, port }: Endpoint): string {
  return addressKey(Uint8Array.from(ipaddr.parse(hostname).toByteArray()), port);
}
