import { openLibrary } from "../linux/open_library.ts";
import type { JournalSocket } from "./journal_socket.ts";
import { LIBC_PATHS } from "../linux/libc_paths.ts";

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const AF_UNIX = 1;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 2 | 0o4000 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
/** Sends in a row that failed, after the first, until the socket is connected anew. */
const FAILURES_UNTIL_RECONNECT = 64;

/**
 * journald's native socket by Deno's own datagrams, which wait while the kernel says EAGAIN. Where FFI is allowed each
 * entry is tried by one `send(2)` first: half the CPU time, and all that a connection's record needs as a rule.
 */
export function openJournalDeno(path: string): JournalSocket {
  // Without a path of its own it is an unbound sender.
  const socket = Deno.listenDatagram(
    { transport: "unixpacket" } as Deno.UnixListenOptions & { transport: "unixpacket" },
  );
  const target: Deno.Addr = { transport: "unixpacket", path };
  const quick = openQuick(path);
  return {
    native: true,
    async send(bytes) {
      if (quick?.send(bytes)) return;
      await socket.send(bytes, target);
    },
    close() {
      quick?.close();
      socket.close();
    },
  };
}

/** A connected socket that never waits; `null` without FFI. */
function openQuick(path: string): { send(bytes: Uint8Array): boolean; close(): void } | null {
  let libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
  try {
    libc = openLibrary(LIBC_PATHS, SYMBOLS);
  } catch {
    return null;
  }
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  const name = new TextEncoder().encode(path);
  // struct sockaddr_un (unix(7))
  const address = new Uint8Array(2 + name.length + 1);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  let connected = false;
  let failures = 0;
  return {
    send(bytes) {
      connected ||= libc.connect(fd, address, address.length) === 0;
      if (!connected) return false;
      const sent = libc.send(fd, bytes as Uint8Array<ArrayBuffer>, BigInt(bytes.length), MSG_DONTWAIT_NOSIGNAL);
      if (Number(sent) >= 0) {
        failures = 0;
        return true;
      }
      // A new journald is another socket at the same path; where this one is only full, there is no need to ask each
      // time.
      if (failures++ % FAILURES_UNTIL_RECONNECT === 0) connected = false;
      return false;
    },
    close: () => void libc.close(fd),
  };
}
