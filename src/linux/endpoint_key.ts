import ipaddr from "ipaddr.js";
import { unmapIpv4 } from "../net/ip_address.ts";

/** One end of a TCP connection. */
export interface Endpoint {
  hostname: string;
  port: number;
}

/** The form in which two ends are compared, from the address's bytes. */
export function addressKey(address: Uint8Array, port: number): string {
  return `${unmapIpv4(address).join(".")}:${port}`;
}

/** The form in which two ends are compared, from the address's text. */
export function endpointKey({ hostname, port }: Endpoint): string {
  return addressKey(Uint8Array.from(ipaddr.parse(hostname).toByteArray()), port);
}
