import { readdirSync, readFileSync } from "node:fs";
import { runtimeName } from "../runtimes/name.ts";

/** How many descriptors this process has and may have. */
export interface OpenFiles {
  open: number;
  /** The soft limit, RLIMIT_NOFILE; infinite where there is none. */
  limit: number;
}

/**
 * Makes the function that counts descriptors. Deno reads /proc only for programs with all permissions, and to read it
 * takes a descriptor, so where there is FFI libc is asked.
 * @throws {Error} where the runtime has no permission to
 */
export async function loadOpenFiles(): Promise<() => OpenFiles> {
  if (runtimeName() !== "node") {
    const { libc } = await import("./thread_libc.ts");
    return () => ({ open: libc.openFds().length, limit: libc.fileLimit().soft });
  }
  return () => {
    const [, limit] = /^Max open files +(\S+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return { open: readdirSync("/proc/self/fd").length, limit: limit === "unlimited" ? Infinity : Number(limit) };
  };
}
