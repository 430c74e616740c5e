import type { LibcSymbols } from "./libc_symbols.ts";

const SOL_SOCKET = 1;

/**
 * Attaches a classic BPF program to a socket (socket(7)).
 * @param option SO_ATTACH_FILTER or SO_ATTACH_REUSEPORT_CBPF
 * @param program 8 bytes an instruction
 * @throws {Error} when the kernel refuses
 */
export function attachProgram(libc: LibcSymbols, fd: number, option: number, program: Uint8Array<ArrayBuffer>): void {
  const size = BigInt(program.length);
  // The kernel follows a pointer. To get the address of a JavaScript buffer needs more permission than loading libc, so
  // the program is copied to memory that libc allocates.
  const copy = BigInt(libc.malloc(size));
  if (copy === 0n) throw new Error(`Cannot allocate ${size} bytes`);
  try {
    libc.memcpy(copy, program, size);
    // struct sock_fprog: a u16 count of instructions, and at byte 8 the pointer to them.
    const header = new BigUint64Array([size / 8n, copy]);
    if (libc.setsockopt(fd, SOL_SOCKET, option, header, header.byteLength) !== 0) {
      throw new Error(`Cannot attach a program with socket option ${option} to descriptor ${fd}`);
    }
  } finally {
    libc.free(copy);
  }
}
