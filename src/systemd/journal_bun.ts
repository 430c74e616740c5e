/** journald's native socket on Bun, which has no Unix datagrams of its own: libc's, by FFI. */
import type { JournalSocket } from "./journal_socket.ts";

/** The part of `Bun.FFI` used here. */
interface BunFfi {
  dlopen(
    path: string,
    symbols: Record<string, { args: string[]; returns: string }>,
  ): { symbols: Record<string, (...args: (number | Uint8Array)[]) => number | bigint>; close(): void };
  read: { i32(pointer: number, offset: number): number };
}

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const EAGAIN = 11;
/** Waits while journald is behind: there is no event to wait for on an unconnected socket. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 64;

const NAMES: Record<number, string> = { 2: "ENOENT", 13: "EACCES", 90: "EMSGSIZE", 111: "ECONNREFUSED" };

/** Opens the sender. */
export function openJournalBun(path: string): JournalSocket {
  const { dlopen, read } = (globalThis as unknown as { Bun: { FFI: BunFfi } }).Bun.FFI;
  const libc = dlopen("libc.so.6", {
    socket: { args: ["i32", "i32", "i32"], returns: "i32" },
    sendto: { args: ["i32", "ptr", "u64", "i32", "ptr", "u32"], returns: "i64" },
    close: { args: ["i32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  });
  const { socket, sendto, close, __errno_location } = libc.symbols;
  const errno = () => read.i32(Number(__errno_location()), 0);
  const fd = Number(socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0));
  if (fd < 0) throw new Error(`Cannot open a datagram socket: errno ${errno()}`);
  const address = socketAddress(path);

  /** Returns 0, or the error's number. */
  const attempt = (bytes: Uint8Array) => {
    const sent = sendto(fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL, address, address.length);
    return Number(sent) < 0 ? errno() : 0;
  };
  let closed = false;
  return {
    native: true,
    async send(bytes) {
      for (let waitMs = FIRST_WAIT_MS; !closed; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
        const error = attempt(bytes);
        if (error === 0) return;
        if (error !== EAGAIN) {
          const code = NAMES[error] ?? `errno ${error}`;
          throw Object.assign(new Error(`Cannot send to "${path}": ${code}`), { code });
        }
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
      throw new Error(`Cannot send to "${path}": closed`);
    },
    close() {
      closed = true;
      close(fd);
      libc.close();
    },
  };
}

/** struct sockaddr_un (unix(7)) of a path. */
function socketAddress(path: string): Uint8Array {
  const bytes = new TextEncoder().encode(path);
  const address = new Uint8Array(2 + bytes.length + 1);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(bytes, 2);
  return address;
}
