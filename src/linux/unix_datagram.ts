import type { LibcSymbols } from "./libc_symbols.ts";

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;

/**
 * struct sockaddr_un (unix(7)), as long as the address is.
 * @param path an abstract name begins with NUL
 */
export function unixAddress(path: string): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(path);
  // An abstract name ends where the address does; a path ends with NUL.
  const address = new Uint8Array(2 + name.length + (path.startsWith("\0") ? 0 : 1));
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}

/**
 * Sends a datagram to a Unix socket.
 * @param path a path, or an abstract name, which begins with NUL (unix(7))
 * @throws {Error} when nobody takes it
 */
export function sendUnixDatagram(libc: LibcSymbols, path: string, bytes: Uint8Array<ArrayBuffer>): void {
  const address = unixAddress(path);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error(`Cannot open a datagram socket for "${path}"`);
  try {
    if (libc.connect(fd, address, address.length) !== 0) throw new Error(`Cannot reach "${path}"`);
    if (Number(libc.send(fd, bytes, BigInt(bytes.length), 0)) < 0) throw new Error(`Cannot send to "${path}"`);
  } finally {
    libc.close(fd);
  }
}
