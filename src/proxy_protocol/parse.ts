import { NEED_MORE, type ParseResult } from "./parse_result.ts";
import { parseV1 } from "./parse_v1.ts";
import { parseV2 } from "./parse_v2.ts";
import { ProxyHeaderError } from "./proxy_header_error.ts";
import { V2_SIGNATURE } from "./wire.ts";

/**
 * The longest header to accept by default, in bytes. It is the size of HAProxy's buffer, so that whatever HAProxy can
 * send fits, client certificates included. Only senders of the listed networks can make the program read so much.
 */
export const ACCEPTED_HEADER_BYTES = 16384;

const V1_START = new TextEncoder().encode("PROXY ");

/**
 * Parses the header that `bytes` must begin with, in version 1 or 2, which are told apart as section 2.2 says. `bytes`
 * are all that came so far. They are refused as soon as they cannot become a header. Bytes after the header are
 * ignored.
 *
 * @param limit the longest header to accept, in bytes; at least 107
 * @throws {ProxyHeaderError} there is no header, or one that must not be believed
 */
export function parseProxyHeader(bytes: Uint8Array, limit: number = ACCEPTED_HEADER_BYTES): ParseResult {
  if (bytes.length === 0) return NEED_MORE;
  const magic = bytes[0] === V2_SIGNATURE[0] ? V2_SIGNATURE : V1_START;
  const known = Math.min(bytes.length, magic.length);
  for (let index = 0; index < known; index++) {
    if (bytes[index] !== magic[index]) {
      throw new ProxyHeaderError("not-a-header", `Cannot accept connection: no PROXY header, byte ${index} differs`);
    }
  }
  if (known < magic.length) return NEED_MORE;
  return magic === V2_SIGNATURE ? parseV2(bytes, limit) : parseV1(bytes);
}
