import process from "node:process";
import type { LibcSymbols } from "./libc_symbols.ts";

const O_RDONLY = 0;
const O_DIRECTORY = process.arch === "arm64" ? 0o40000 : 0o200000;
const O_CLOEXEC = 0o2000000;
const SEEK_SET = 0;

/** The directory of the process's own descriptors. */
export class OpenFds {
  readonly #libc: LibcSymbols;
  /** Opened once: when it is needed most, no descriptor may be left to open it. */
  readonly #directory: number;
  readonly #entries = new Uint8Array(32 * 1024);

  /** @throws {Error} where there is no /proc */
  constructor(libc: LibcSymbols) {
    this.#libc = libc;
    this.#directory = libc.open(new TextEncoder().encode("/proc/self/fd\0"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (this.#directory < 0) throw new Error("Cannot open /proc/self/fd: is /proc mounted");
  }

  /** All but the directory's own. */
  list(): number[] {
    const fds: number[] = [];
    this.#libc.lseek(this.#directory, 0n, SEEK_SET);
    for (;;) {
      const count = Number(this.#libc.getdents64(this.#directory, this.#entries, BigInt(this.#entries.length)));
      if (count <= 0) return fds;
      const view = new DataView(this.#entries.buffer);
      for (let at = 0; at < count; at += view.getUint16(at + 16, true)) {
        // struct linux_dirent64 (getdents64(2)): the name starts at 19 and ends with NUL.
        let fd = 0;
        let index = at + 19;
        for (; this.#entries[index] >= 0x30 && this.#entries[index] <= 0x39; index++) {
          fd = fd * 10 + this.#entries[index] - 0x30;
        }
        if (index > at + 19 && fd !== this.#directory) fds.push(fd);
      }
    }
  }
}
