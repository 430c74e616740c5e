import process from "node:process";
import type { LibcSymbols } from "./libc_symbols.ts";

const O_RDONLY = 0;
const O_DIRECTORY = process.arch === "arm64" ? 0o40000 : 0o200000;
const O_CLOEXEC = 0o2000000;
const RLIMIT_NOFILE = 7;
const POLLNVAL = 0x20;
const DIRECTORY = new TextEncoder().encode("/proc/self/fd\0");
/** Most bytes that one call of getdents64(2) fills. */
const ENTRIES_LENGTH = 32 * 1024;
/** How many descriptors one call of poll(2) asks about. */
const POLLED_AT_ONCE = 1024;
/** The number up to which descriptors are asked about: Linux' default limit (`fs.nr_open`, proc(5)). */
const MAX_FDS = 1 << 20;

/**
 * Lists the descriptors of this process, in no order. No descriptor stays open for it: the runtime does not know it,
 * and so would not close it when the thread ends, in whatever way it does. Those that other threads open for their
 * listing may be in the list.
 */
export function listOpenFds(libc: LibcSymbols): number[] {
  const directory = libc.open(DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // The list is needed most when no descriptor is left to open the directory.
  if (directory < 0) return pollOpenFds(libc);
  try {
    return readDirectory(libc, directory);
  } finally {
    libc.close(directory);
  }
}

/** Reads the names in the directory of the process's descriptors, except for the descriptor of the directory itself. */
function readDirectory(libc: LibcSymbols, directory: number): number[] {
  const fds: number[] = [];
  const entries = new Uint8Array(ENTRIES_LENGTH);
  const view = new DataView(entries.buffer);
  for (;;) {
    const count = Number(libc.getdents64(directory, entries, BigInt(entries.length)));
    if (count <= 0) return fds;
    for (let at = 0; at < count; at += view.getUint16(at + 16, true)) {
      // struct linux_dirent64 (getdents64(2)): the name starts at 19 and ends with NUL.
      let fd = 0;
      let index = at + 19;
      for (; entries[index] >= 0x30 && entries[index] <= 0x39; index++) fd = fd * 10 + entries[index] - 0x30;
      if (index > at + 19 && fd !== directory) fds.push(fd);
    }
  }
}

/**
 * Lists the descriptors by asking about every number below the limit of open files. It needs no descriptor of its own.
 * @throws {Error} when the kernel refuses
 */
export function pollOpenFds(libc: LibcSymbols): number[] {
  const limits = new BigUint64Array(2);
  if (libc.getrlimit(RLIMIT_NOFILE, limits) !== 0) throw new Error("Cannot read the limit of open files");
  const end = Number(limits[0] < BigInt(MAX_FDS) ? limits[0] : BigInt(MAX_FDS));
  const fds: number[] = [];
  for (let first = 0; first < end; first += POLLED_AT_ONCE) {
    // struct pollfd (poll(2)), 8 bytes: the descriptor; the events asked for, which are none; those found, 2 bytes
    // each.
    const requests = new Int32Array(2 * Math.min(POLLED_AT_ONCE, end - first));
    for (let index = 0; index < requests.length; index += 2) requests[index] = first + index / 2;
    if (libc.poll(requests, BigInt(requests.length / 2), 0) < 0) throw new Error("Cannot list the open descriptors");
    for (let index = 0; index < requests.length; index += 2) {
      if ((requests[index + 1] >> 16 & POLLNVAL) === 0) fds.push(requests[index]);
    }
  }
  return fds;
}
