import { commonFamily, type Endpoints } from "./endpoint.ts";
import { formatIp } from "../net/ip_address.ts";

const encoder = new TextEncoder();

/**
 * Encodes a version 1 header (section 2.1), at most 107 bytes. IPv6 addresses, mapped ones included, are written in
 * hexadecimal only, as the section's grammar demands. Ends that are no IP addresses, such as a Unix listener's, are
 * `UNKNOWN`, which is the only word allowed for them.
 *
 * @throws {RangeError} a port is no integer from 0 to 65535
 */
export function encodeV1(endpoints: Endpoints): Uint8Array {
  const common = commonFamily(endpoints);
  if (!("source" in common)) return encoder.encode("PROXY UNKNOWN\r\n");
  const word = common.family === "inet" ? "TCP4" : "TCP6";
  const addresses = `${formatIp(common.source)} ${formatIp(common.destination)}`;
  return encoder.encode(`PROXY ${word} ${addresses} ${endpoints.source.port} ${endpoints.destination.port}\r\n`);
}
