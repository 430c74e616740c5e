import type { Endpoint, Endpoints } from "./endpoint.ts";
import { formatIp, unmapIpv4 } from "../net/ip_address.ts";
import { NEED_MORE, type ParseResult } from "./parse_result.ts";
import { parseTlvs } from "./parse_tlvs.ts";
import { ProxyHeaderError, type ProxyHeaderReason } from "./proxy_header_error.ts";
import { ADDRESS_BYTES, Family, Transport, UNIX_PATH_BYTES, V2_FIXED_BYTES } from "./wire.ts";

const LOCAL = 0;
const PROXY = 1;

/**
 * Parses a version 2 header (section 2.2). `bytes` begin with the signature.
 *
 * @param limit the longest header to accept, in bytes
 * @throws {ProxyHeaderError}
 */
export function parseV2(bytes: Uint8Array, limit: number): ParseResult {
  if (bytes.length < 13) return NEED_MORE;
  const version = bytes[12] >>> 4;
  if (version !== 2) throw refusal("bad-version", `version is ${version}`);
  const command = bytes[12] & 0xf;
  if (command > PROXY) throw refusal("bad-command", `command ${command} is unassigned`);

  if (bytes.length < 14) return NEED_MORE;
  const family = bytes[13] >>> 4;
  const transport = bytes[13] & 0xf;
  // LOCAL: the receiver "must … discard the protocol block including the family which is ignored".
  if (command === PROXY && (family > Family.unix || transport > Transport.dgram)) {
    throw refusal("bad-family", `family ${family} with transport ${transport} is unspecified`);
  }

  if (bytes.length < V2_FIXED_BYTES) return NEED_MORE;
  const length = V2_FIXED_BYTES + (bytes[14] << 8 | bytes[15]);
  const addressEnd = V2_FIXED_BYTES + ADDRESS_BYTES[family];
  // "UNSPEC: the receiver should ignore address information". Where only one of the two is UNSPEC, the section does not
  // say how long the addresses are.
  const halfUnspec = (family === Family.unspec) !== (transport === Transport.unspec);
  const skipBlock = command === LOCAL || halfUnspec;
  if (!skipBlock && length < addressEnd) {
    throw refusal("bad-length", `${length} bytes, and the addresses end at ${addressEnd}`);
  }
  if (length > limit) throw refusal("too-long", `${length} bytes, ${limit} are allowed`);

  if (bytes.length < length) return NEED_MORE;
  return {
    kind: "done",
    length,
    header: {
      version: 2,
      command: command === LOCAL ? "LOCAL" : "PROXY",
      endpoints: skipBlock || family === Family.unspec ? null : endpointsOf(bytes, family),
      tlvs: skipBlock ? [] : parseTlvs(bytes, addressEnd, length),
    },
  };
}

/** Reads the address block, of which all bytes are there. Ports, where the family has them, are at its end. */
function endpointsOf(bytes: Uint8Array, family: number): Endpoints {
  if (family === Family.unix) {
    return { source: unixEndpoint(bytes, 0), destination: unixEndpoint(bytes, UNIX_PATH_BYTES) };
  }
  const size = family === Family.inet ? 4 : 16;
  const portsAt = V2_FIXED_BYTES + 2 * size;
  return {
    source: ipEndpoint(bytes, V2_FIXED_BYTES, size, portsAt),
    destination: ipEndpoint(bytes, V2_FIXED_BYTES + size, size, portsAt + 2),
  };
}

function ipEndpoint(bytes: Uint8Array, at: number, size: number, portAt: number): Endpoint {
  return {
    hostname: formatIp(unmapIpv4(bytes.subarray(at, at + size))),
    port: bytes[portAt] << 8 | bytes[portAt + 1],
  };
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads a Unix end. A path ends before its first NUL; an abstract name begins with NUL and ends before the NULs at its
 * end.
 */
function unixEndpoint(bytes: Uint8Array, offset: number): Endpoint {
  const start = V2_FIXED_BYTES + offset;
  const field = bytes.subarray(start, start + UNIX_PATH_BYTES);
  const end = field[0] === 0 ? field.findLastIndex((byte) => byte !== 0) + 1 : field.indexOf(0);
  return { hostname: "", port: 0, path: decoder.decode(end < 0 ? field : field.subarray(0, end)) };
}

function refusal(reason: ProxyHeaderReason, detail: string): ProxyHeaderError {
  return new ProxyHeaderError(reason, `Cannot accept PROXY header version 2: ${detail}`);
}
