import ipaddr from "ipaddr.js";

/** One end of a TCP connection. */
export interface Endpoint {
  hostname: string;
  port: number;
}

/** The form in which two ends are compared, from the address's bytes. */
export function addressKey(address: Uint8Array, port: number): string {
  // An IPv4 client of a dual-stack listener is ::ffff:a.b.c.d to the kernel, and may be a.b.c.d to the runtime.
  const mapped = address.length === 16 && address[10] === 0xff && address[11] === 0xff &&
    address.subarray(0, 10).every((byte) => byte === 0);
  return `${(mapped ? address.subarray(12) : address).join(".")}:${port}`;
}

/** The form in which two ends are compared, from the address's text. */
export function endpointKey({ hostname, port }: Endpoint): string {
  return addressKey(Uint8Array.from(ipaddr.parse(hostname).toByteArray()), port);
}
