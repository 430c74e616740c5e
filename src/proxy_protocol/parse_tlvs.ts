import { crc32cWithHole } from "./crc32c.ts";
import type { Tlv } from "./proxy_header.ts";
import { ProxyHeaderError } from "./proxy_header_error.ts";
import { SSL_FIXED_BYTES, TlvType, UNIQUE_ID_MAX_BYTES } from "./wire.ts";

/**
 * Parses the TLVs between the addresses and the end of a version 2 header (sections 2.2.1 to 2.2.8). They must fill the
 * header to its last byte. Unknown types are kept. A checksum is verified (section 2.2.3).
 *
 * @param header bytes that begin with the header's signature; they may go on after the header
 * @param start where the TLVs start
 * @param end the length of the header
 * @throws {ProxyHeaderError} reason `bad-tlv` or `bad-crc`
 */
export function parseTlvs(header: Uint8Array, start: number, end: number): Tlv[] {
  const tlvs: Tlv[] = [];
  let checksumAt = 0;
  walkTlvs(header, start, end, (type, at, next) => {
    switch (type) {
      case TlvType.crc32c:
        if (next - at !== 4) throw refusal(`the checksum has ${next - at} bytes, not 4`);
        // Each would have to count as zero while the other is verified, and nothing says which one does.
        if (checksumAt > 0) throw refusal("two checksums");
        checksumAt = at;
        break;
      case TlvType.uniqueId:
        if (next - at > UNIQUE_ID_MAX_BYTES) {
          throw refusal(`the unique id has ${next - at} bytes, at most ${UNIQUE_ID_MAX_BYTES} are allowed`);
        }
        break;
      case TlvType.ssl:
        if (next - at < SSL_FIXED_BYTES) {
          throw refusal(`the SSL TLV has ${next - at} bytes, not ${SSL_FIXED_BYTES} at least`);
        }
        walkTlvs(header, at + SSL_FIXED_BYTES, next, () => {});
        break;
    }
    tlvs.push({ type, value: header.slice(at, next) });
  });
  if (checksumAt > 0) verifyChecksum(header, checksumAt, end);
  return tlvs;
}

/**
 * Calls `visit` with the type of each TLV and where its value starts and ends.
 *
 * @throws {ProxyHeaderError} reason `bad-tlv` where a TLV runs past `end`
 */
export function walkTlvs(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (type: number, at: number, next: number) => void,
): void {
  let at = start;
  while (at < end) {
    if (end - at < 3) throw refusal(`${end - at} bytes after the last TLV`);
    const next = at + 3 + (bytes[at + 1] << 8 | bytes[at + 2]);
    if (next > end) throw refusal(`a TLV of type ${bytes[at]} ends ${next - end} bytes past its end`);
    visit(bytes[at], at + 3, next);
    at = next;
  }
}

function verifyChecksum(header: Uint8Array, at: number, end: number): void {
  const said = (header[at] << 24 | header[at + 1] << 16 | header[at + 2] << 8 | header[at + 3]) >>> 0;
  const found = crc32cWithHole(header, at, end);
  if (said === found) return;
  throw new ProxyHeaderError(
    "bad-crc",
    `Cannot accept PROXY header version 2: CRC32c is ${found.toString(16)}, the header says ${said.toString(16)}`,
  );
}

function refusal(detail: string): ProxyHeaderError {
  return new ProxyHeaderError("bad-tlv", `Cannot accept PROXY header version 2: ${detail}`);
}
