import { type LibcSymbols, openLibc } from "./libc_symbols.ts";

const CLOCK_MONOTONIC = 1;
const RLIMIT_NOFILE = 7;
const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;

/** The calls of libc that are about the process: its memory, its limits, its time. */
export class ProcessCalls {
  protected readonly symbols: LibcSymbols = openLibc();

  /** Microseconds of CLOCK_MONOTONIC (clock_gettime(2)). */
  monotonicUsec(): bigint {
    const time = new BigInt64Array(2);
    this.symbols.clock_gettime(CLOCK_MONOTONIC, time);
    return time[0] * 1_000_000n + time[1] / 1000n;
  }

  /** Gives freed memory back to the system, as far as this libc can (malloc_trim(3)). */
  trimMemory(): void {
    this.symbols.malloc_trim?.(0n);
  }

  /**
   * Keeps freed memory for the next allocation (mallopt(3)), up to 32 MiB. A buffer that is allocated and freed for
   * each write is given back to the kernel each time by default, and every page of the next one faults: a third of the
   * time of a bulk transfer.
   */
  keepFreedMemory(): void {
    this.symbols.mallopt(M_TRIM_THRESHOLD, 32 * 1024 * 1024);
    // Without this libc would go on adjusting the threshold to the sizes that are asked for.
    this.symbols.mallopt(M_MMAP_THRESHOLD, 4 * 1024 * 1024);
  }

  /** RLIMIT_NOFILE (getrlimit(2)). */
  fileLimit(): { soft: number; hard: number } {
    const limits = new BigUint64Array(2);
    if (this.symbols.getrlimit(RLIMIT_NOFILE, limits) !== 0) throw new Error("Cannot read the limit of open files");
    return { soft: Number(limits[0]), hard: Number(limits[1]) };
  }

  /** Raises the soft limit of open files to the hard one, and returns it. */
  raiseFileLimit(): number {
    const { soft, hard } = this.fileLimit();
    if (soft >= hard) return soft;
    const limits = new BigUint64Array([BigInt(hard), BigInt(hard)]);
    return this.symbols.setrlimit(RLIMIT_NOFILE, limits) === 0 ? hard : soft;
  }
}
