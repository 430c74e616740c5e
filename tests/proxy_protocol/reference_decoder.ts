/**
 * A second decoder, for comparison: written from the specification for plainness alone, and sharing no code with the
 * first. It looks at all bytes at once, with regular expressions, DataView, ipaddr.js and a checksum bit by bit.
 */
import { isIPv4, isIPv6 } from "node:net";
import ipaddr from "ipaddr.js";

export type ReferenceResult =
  | { kind: "need-more" }
  | { kind: "refused" }
  | { kind: "done"; length: number; ends: string | null; tlvs: string };

const REFUSED: ReferenceResult = { kind: "refused" };
const MORE: ReferenceResult = { kind: "need-more" };
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

export function referenceDecode(bytes: Uint8Array, limit: number): ReferenceResult {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  for (const start of ["PROXY ", SIGNATURE]) {
    if (start.startsWith(text)) return MORE;
  }
  if (text.startsWith("PROXY ")) return version1(text);
  if (text.startsWith(SIGNATURE)) return version2(bytes, limit);
  return REFUSED;
}

function version1(text: string): ReferenceResult {
  const window = text.slice(0, 107);
  const line = /^[^\r\n]*\r\n/.exec(window)?.[0];
  if (!line) return window.length < 107 && /^[^\r\n]*\r?$/.test(window) ? MORE : REFUSED;
  if (/^PROXY UNKNOWN( .*)?\r\n$/s.test(line)) return { kind: "done", length: line.length, ends: null, tlvs: "" };
  const match = /^PROXY TCP([46]) ([^ ]+) ([^ ]+) (0|[1-9]\d*) (0|[1-9]\d*)\r\n$/.exec(line);
  if (!match) return REFUSED;
  const [, family, source, destination, sourcePort, destinationPort] = match;
  const valid = family === "4" ? isIPv4 : (address: string) => isIPv6(address) && !address.includes("%");
  if (!valid(source) || !valid(destination) || Number(sourcePort) > 65535 || Number(destinationPort) > 65535) {
    return REFUSED;
  }
  const ends = `${canonical(source)} ${sourcePort} ${canonical(destination)} ${destinationPort}`;
  return { kind: "done", length: line.length, ends, tlvs: "" };
}

function canonical(address: string): string {
  const parsed = ipaddr.process(address);
  return parsed.kind() === "ipv4" ? parsed.toString() : (parsed as ipaddr.IPv6).toRFC5952String();
}

function version2(bytes: Uint8Array, limit: number): ReferenceResult {
  if (bytes.length > 12 && bytes[12] !== 0x20 && bytes[12] !== 0x21) return REFUSED;
  const local = bytes[12] === 0x20;
  const family = { 0x00: 0, 0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36, 0x31: 216, 0x32: 216 }[bytes[13]];
  const half = [0x01, 0x02, 0x10, 0x20, 0x30].includes(bytes[13]);
  if (bytes.length > 13 && !local && family === undefined && !half) return REFUSED;
  if (bytes.length < 16) return MORE;

  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = view.getUint16(14);
  if (16 + size > limit) return REFUSED;
  if (!local && family !== undefined && size < family) return REFUSED;
  if (bytes.length < 16 + size) return MORE;
  const done = { kind: "done", length: 16 + size, ends: null, tlvs: "" } as const;
  if (local || family === undefined) return done;

  const header = bytes.slice(0, 16 + size);
  const tlvs = split(header.subarray(16 + family));
  if (!tlvs) return REFUSED;
  const sums = tlvs.filter(({ type }) => type === 3);
  if (sums.length > 1 || sums.some(({ value }) => value.length !== 4)) return REFUSED;
  if (tlvs.some(({ type, value }) => type === 5 && value.length > 128)) return REFUSED;
  if (tlvs.some(({ type, value }) => type === 0x20 && (value.length < 5 || !split(value.subarray(5))))) return REFUSED;
  const list = tlvs.map(({ type, value }) => `${type}:${value.join()}`).join(" ");
  for (const { value } of sums) {
    const said = value.slice();
    value.fill(0);
    if (slowCrc32c(header).join() !== said.join()) return REFUSED;
  }
  return { ...done, ends: family === 0 ? null : ends(header, view, family), tlvs: list };
}

function ends(header: Uint8Array, view: DataView, family: number): string {
  if (family === 216) return ` 0  0 ${path(header.slice(16, 124))} ${path(header.slice(124, 232))}`;
  const width = family === 12 ? 4 : 16;
  const at = (start: number) =>
    canonical(ipaddr.fromByteArray(Array.from(header.slice(start, start + width))).toString());
  const ports = 16 + 2 * width;
  return `${at(16)} ${view.getUint16(ports)} ${at(16 + width)} ${view.getUint16(ports + 2)}`;
}

function path(field: Uint8Array): string {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(field);
  return text.startsWith("\0") ? text.replace(/\0*$/, "") : text.split("\0")[0];
}

function split(bytes: Uint8Array): { type: number; value: Uint8Array }[] | null {
  if (bytes.length === 0) return [];
  if (bytes.length < 3) return null;
  const next = 3 + 256 * bytes[1] + bytes[2];
  const rest = next > bytes.length ? null : split(bytes.subarray(next));
  return rest && [{ type: bytes[0], value: bytes.subarray(3, next) }, ...rest];
}

/** RFC 4960 appendix B, most significant byte first. */
export function slowCrc32c(bytes: Uint8Array): Uint8Array {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const out = (crc ^ (byte >> bit)) & 1;
      crc = (crc >>> 1) ^ (out ? 0x82f63b78 : 0);
    }
  }
  const result = new Uint8Array(4);
  new DataView(result.buffer).setUint32(0, ~crc >>> 0);
  return result;
}
