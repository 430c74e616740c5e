/** Castagnoli's polynomial, its bits reversed. */
const POLYNOMIAL = 0x82f63b78;

const TABLE = new Uint32Array(256);
for (let index = 0; index < 256; index++) {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  TABLE[index] = crc;
}

/**
 * The CRC32c checksum of `bytes[start..end)` (RFC 4960 appendix B).
 *
 * @returns an unsigned 32-bit number
 */
export function crc32c(bytes: Uint8Array, start = 0, end: number = bytes.length): number {
  return finish(update(0xffffffff, bytes, start, end));
}

/**
 * The CRC32c checksum of a header in which the four bytes at `hole` count as zero (section 2.2.3).
 *
 * @returns an unsigned 32-bit number
 */
export function crc32cWithHole(bytes: Uint8Array, hole: number, end: number): number {
  let crc = update(0xffffffff, bytes, 0, hole);
  for (let index = 0; index < 4; index++) crc = TABLE[crc & 0xff] ^ (crc >>> 8);
  return finish(update(crc, bytes, hole + 4, end));
}

function update(crc: number, bytes: Uint8Array, start: number, end: number): number {
  for (let index = start; index < end; index++) crc = TABLE[(crc ^ bytes[index]) & 0xff] ^ (crc >>> 8);
  return crc;
}

function finish(crc: number): number {
  return (crc ^ 0xffffffff) >>> 0;
}
