import { processCpuMicros } from "./cpu_clock.ts";
import { parseParents, parseStatusKb } from "./proc_files.ts";

/**
 * Reads files below `/proc` through `cat`, because Deno opens them only with `--allow-all`. Files of processes that
 * ended meanwhile are left out.
 */
async function readProc(pattern: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `cat ${pattern}`],
    stdout: "piped",
    stderr: "null",
  }).output();
  return new TextDecoder().decode(stdout);
}

/** The process and all its descendants, as they are now. */
export async function processTree(root: number): Promise<number[]> {
  const parents = parseParents(await readProc("/proc/[0-9]*/stat"));
  const tree = [root];
  // The array grows while it is walked: children of children are found as well.
  for (const pid of tree) {
    for (const [child, parent] of parents) if (parent === pid) tree.push(child);
  }
  return tree;
}

/** Resident memory of the processes together, in bytes. */
export async function residentBytes(pids: number[]): Promise<number> {
  const status = await readProc(pids.map((pid) => `/proc/${pid}/status`).join(" "));
  return parseStatusKb(status, "VmRSS") * 1024;
}

/** CPU time of the processes together, in µs. */
export function cpuMicros(pids: number[]): number {
  return pids.reduce((sum, pid) => sum + (processCpuMicros(pid) ?? 0), 0);
}
