/**
 * The CPU time another process has used, in nanoseconds, all of its threads together, those that ended included.
 *
 * `/proc/PID/stat` has it in 10 ms ticks only, and Deno reads nothing below `/proc` without `--allow-all`. A process's
 * CPU clock is readable by everybody: see clock_getcpuclockid(3).
 */
const openLibc = () =>
  Deno.dlopen("libc.so.6", {
    clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  });
let libc: ReturnType<typeof openLibc> | undefined;

/** `MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)` of the kernel's `posix-timers.h`. */
function processClockId(pid: number): number {
  return (~pid << 3) | 2;
}

/** CPU time that the process has used since it began, in µs; null when there is no such process. */
export function processCpuMicros(pid: number): number | null {
  const timespec = new BigInt64Array(2);
  libc ??= openLibc();
  if (libc.symbols.clock_gettime(processClockId(pid), timespec) !== 0) return null;
  return Number(timespec[0]) * 1e6 + Number(timespec[1]) / 1e3;
}
