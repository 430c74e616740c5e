/**
 * journald's native socket, by libc's own datagrams: Bun has none, and Deno 2.7 binds its own to a file in the working
 * folder, which a service may not write to.
 */
import { LIBC_PATHS } from "../linux/libc_paths.ts";
import { openLibrary } from "../linux/open_library.ts";
import { unixAddress } from "../linux/unix_datagram.ts";
import type { JournalSocket } from "./journal_socket.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const POLLOUT = 4;
/** What the kernel keeps of the send buffer for itself (unix_dgram_sendmsg in net/unix/af_unix.c). */
const KERNEL_BYTES = 32;
/** Waits while journald is behind: no event of these runtimes comes from a socket that is not theirs. */
const FIRST_WAIT_MS = 1;
const LONGEST_WAIT_MS = 64;

/**
 * Opens the sender: one `send(2)` for each entry, as long as journald keeps up.
 *
 * Why a send failed is found out by asking the kernel again, not by `errno`: the runtime may call into libc between the
 * two.
 * @throws {Error} without the permission to use FFI, or a descriptor for the socket
 */
export function openJournalNative(path: string): JournalSocket {
  const libc = openLibrary(LIBC_PATHS, SYMBOLS);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error(`Cannot open a datagram socket for "${path}"`);
  const address = unixAddress(path);
  const isSent = (bytes: Uint8Array<ArrayBuffer>) =>
    Number(libc.send(fd, bytes, BigInt(bytes.length), MSG_DONTWAIT_NOSIGNAL)) >= 0;
  /** Whether the receiver's queue has room. It has, too, where the receiver is gone. */
  const isWritable = () => {
    // struct pollfd (poll(2)): the descriptor, the events asked for, those found.
    const request = new Int32Array([fd, POLLOUT]);
    return libc.poll(request, 1n, 0) > 0;
  };
  const largest = () => {
    const size = new Int32Array(1);
    const isKnown = libc.getsockopt(fd, SOL_SOCKET, SO_SNDBUF, size, new Uint32Array([4])) === 0;
    return isKnown ? size[0] - KERNEL_BYTES : Infinity;
  };
  let connected = false;
  let closed = false;

  /**
   * Returns whether the kernel has taken the entry; `false`: journald is behind.
   * @throws {Error} when nobody listens, or the entry is too large
   */
  const attempt = (bytes: Uint8Array<ArrayBuffer>): boolean => {
    if (connected && isSent(bytes)) return true;
    if (connected && !isWritable()) return false;
    // A journald that was started anew is another socket at the same path.
    connected = libc.connect(fd, address, address.length) === 0;
    if (!connected) throw new Error(`Cannot reach "${path}": nobody listens there, or this user may not`);
    if (isSent(bytes)) return true;
    if (bytes.length > largest()) {
      const message = `Cannot send ${bytes.length} bytes to "${path}": a datagram has ${largest()} at most`;
      throw Object.assign(new Error(message), { code: "EMSGSIZE" });
    }
    return false;
  };

  return {
    native: true,
    async send(bytes) {
      for (let waitMs = FIRST_WAIT_MS; !closed; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
        if (attempt(bytes as Uint8Array<ArrayBuffer>)) return;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
      throw new Error(`Cannot send to "${path}": closed`);
    },
    close() {
      if (closed) return;
      closed = true;
      libc.close(fd);
    },
  };
}
