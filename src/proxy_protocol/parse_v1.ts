import { formatIp, parseIpv4, parseIpv6, unmapIpv4 } from "../net/ip_address.ts";
import { NEED_MORE, type ParseResult } from "./parse_result.ts";
import { ProxyHeaderError, type ProxyHeaderReason } from "./proxy_header_error.ts";
import { V1_MAX_BYTES } from "./wire.ts";

const CR = 0x0d;
const LF = 0x0a;
const WORD_BYTES = "PROXY ".length;

/**
 * Parses a version 1 line (section 2.1). It must have exactly the form that the section shows: single spaces, and the
 * CRLF within 107 bytes. `bytes` begin with `PROXY` and a space.
 *
 * @throws {ProxyHeaderError}
 */
export function parseV1(bytes: Uint8Array): ParseResult {
  const end = lineEnd(bytes);
  if (end < 0) return NEED_MORE;
  const length = end + 2;
  const line = printableAscii(bytes, WORD_BYTES, end);

  // "For UNKNOWN … the receiver must ignore anything presented before the CRLF is found."
  if (line === "UNKNOWN" || line.startsWith("UNKNOWN ")) {
    return { kind: "done", length, header: { version: 1, command: "PROXY", endpoints: null, tlvs: [] } };
  }

  const fields = line.split(" ");
  const [family, source, destination, sourcePort, destinationPort] = fields;
  if ((family !== "TCP4" && family !== "TCP6") || fields.length !== 5) {
    throw refusal("bad-line", `must be "TCP4" or "TCP6", two addresses and two ports, or "UNKNOWN"`);
  }
  const parseAddress = family === "TCP4" ? parseIpv4 : parseIpv6;
  const endpoints = {
    source: { hostname: address(source, parseAddress), port: port(sourcePort) },
    destination: { hostname: address(destination, parseAddress), port: port(destinationPort) },
  };
  return { kind: "done", length, header: { version: 1, command: "PROXY", endpoints, tlvs: [] } };
}

/** The index of the CRLF, or -1. "The receiver must not tolerate a single CR or LF character to end the line." */
function lineEnd(bytes: Uint8Array): number {
  const known = Math.min(bytes.length, V1_MAX_BYTES);
  for (let index = WORD_BYTES; index < known; index++) {
    if (bytes[index] === LF) throw refusal("bad-line", "LF without CR");
    if (bytes[index] !== CR) continue;
    if (index + 1 === known) break;
    if (bytes[index + 1] !== LF) throw refusal("bad-line", "CR without LF");
    return index;
  }
  if (known === V1_MAX_BYTES) throw refusal("too-long", `no CRLF in the first ${V1_MAX_BYTES} bytes`);
  return -1;
}

function address(text: string, parse: (text: string) => Uint8Array | null): string {
  const bytes = parse(text);
  if (!bytes) throw refusal("bad-address", `${JSON.stringify(text)} is no address of the family`);
  return formatIp(unmapIpv4(bytes));
}

/** "Heading zeroes are not permitted." */
function port(text: string): number {
  const value = /^(0|[1-9][0-9]{0,4})$/.test(text) ? Number(text) : NaN;
  if (!(value <= 0xffff)) throw refusal("bad-port", `${JSON.stringify(text)} is no number from 0 to 65535`);
  return value;
}

/** Shows bytes in a message. What is not printable ASCII becomes "?", which no valid line has. */
function printableAscii(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let index = start; index < end; index++) {
    text += bytes[index] >= 0x20 && bytes[index] < 0x7f ? String.fromCharCode(bytes[index]) : "?";
  }
  return text;
}

function refusal(reason: ProxyHeaderReason, detail: string): ProxyHeaderError {
  return new ProxyHeaderError(reason, `Cannot accept PROXY header version 1: ${detail}`);
}
