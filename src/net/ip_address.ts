/**
 * Converts IP addresses between text and bytes in network order, strictly, and cheaply enough to do so for every
 * connection. Section 2.1 is that of the PROXY protocol (see `proxy_protocol/wire.ts`).
 */

const DOT = 0x2e;
const COLON = 0x3a;

/** The 4 bytes of four decimal octets without leading zeros (section 2.1), or `null`. */
export function parseIpv4(text: string): Uint8Array | null {
  const bytes = new Uint8Array(4);
  return readIpv4(text, 0, bytes, 0) ? bytes : null;
}

/**
 * The 16 bytes of an IPv6 address, or `null`. The form that ends in a dotted IPv4 address (RFC 4291 section 2.2, form
 * 3) is taken, too. Section 2.1 has only hexadecimal, but inet_ntop(3), and with it HAProxy, writes mapped addresses in
 * that form. Zones (`%eth0`) are refused.
 */
export function parseIpv6(text: string): Uint8Array | null {
  const bytes = new Uint8Array(16);
  const end = text.length;
  let at = 0;
  let gap = -1;
  let index = 0;
  if (text.startsWith("::")) {
    gap = 0;
    index = 2;
  }
  while (index < end) {
    if (at === 16) return null;
    const start = index;
    let group = 0;
    for (let digit; index < end && (digit = hexDigit(text.charCodeAt(index))) >= 0; index++) {
      if (index - start === 4) return null;
      group = group << 4 | digit;
    }
    if (index < end && text.charCodeAt(index) === DOT) {
      if (at > 12 || !readIpv4(text, start, bytes, at)) return null;
      at += 4;
      break;
    }
    if (index === start) return null;
    bytes[at++] = group >>> 8;
    bytes[at++] = group & 0xff;
    if (index === end) break;
    if (text.charCodeAt(index++) !== COLON || index === end) return null;
    if (text.charCodeAt(index) === COLON) {
      if (gap >= 0) return null;
      gap = at;
      index++;
    }
  }
  if (gap < 0) return at === 16 ? bytes : null;
  if (at === 16) return null;
  const tail = 16 - (at - gap);
  bytes.copyWithin(tail, gap, at);
  bytes.fill(0, gap, tail);
  return bytes;
}

/**
 * The 4 or 16 bytes of an address as a runtime reports it, or `null`. A zone is dropped, because it means nothing on
 * another host. An IPv4-mapped address (RFC 4291 section 2.5.5.2), as a dual-stack socket reports IPv4 peers, becomes
 * IPv4.
 */
export function parseIp(text: string): Uint8Array | null {
  if (!text.includes(":")) return parseIpv4(text);
  const zone = text.indexOf("%");
  const bytes = parseIpv6(zone < 0 ? text : text.slice(0, zone));
  return bytes && unmapIpv4(bytes);
}

/**
 * Writes an IPv4-mapped IPv6 address as IPv4, and leaves every other text as it is. To the kernel an IPv4 client of a
 * socket that takes both families is `::ffff:a.b.c.d`; the same client must not have two names.
 */
export function unmapAddress(text: string): string {
  if (!text.startsWith("::ffff:")) return text;
  const bytes = parseIp(text);
  return bytes?.length === 4 ? formatIp(bytes) : text;
}

/** The IPv4 address inside an IPv4-mapped one, else `bytes`. */
export function unmapIpv4(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return bytes;
  for (let index = 0; index < 10; index++) {
    if (bytes[index] !== 0) return bytes;
  }
  return bytes.subarray(12);
}

/** The IPv4-mapped IPv6 address of 4 bytes; 16 bytes are returned as they are. */
export function mapToIpv6(bytes: Uint8Array): Uint8Array {
  if (bytes.length === 16) return bytes;
  const mapped = new Uint8Array(16);
  mapped[10] = mapped[11] = 0xff;
  mapped.set(bytes, 12);
  return mapped;
}

/** The text of 4 bytes (dotted) or 16 (RFC 5952, always hexadecimal). */
export function formatIp(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  let gapStart = -1;
  let gapLength = 1; // a single group of zeros is not shortened: RFC 5952 section 4.2.2
  for (let group = 0; group < 8; group++) {
    let length = 0;
    while (group + length < 8 && groupAt(bytes, group + length) === 0) length++;
    if (length > gapLength) {
      gapStart = group;
      gapLength = length;
    }
    group += length;
  }
  let text = "";
  for (let group = 0; group < 8; group++) {
    if (group === gapStart) {
      text += "::";
      group += gapLength - 1;
    } else {
      if (text !== "" && !text.endsWith(":")) text += ":";
      text += groupAt(bytes, group).toString(16);
    }
  }
  return text;
}

function groupAt(bytes: Uint8Array, group: number): number {
  return bytes[2 * group] << 8 | bytes[2 * group + 1];
}

function readIpv4(text: string, start: number, out: Uint8Array, at: number): boolean {
  let index = start;
  for (let octet = 0; octet < 4; octet++) {
    if (octet > 0 && text.charCodeAt(index++) !== DOT) return false;
    const first = index;
    let value = 0;
    for (let digit; (digit = text.charCodeAt(index) - 0x30) >= 0 && digit <= 9; index++) {
      value = value * 10 + digit;
      if (value > 255 || (index > first && text.charCodeAt(first) === 0x30)) return false;
    }
    if (index === first) return false;
    out[at + octet] = value;
  }
  return index === text.length;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
