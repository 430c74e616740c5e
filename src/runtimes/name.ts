import process from "node:process";

/** The runtimes that the program runs on. */
export type RuntimeName = "deno" | "bun" | "node";

/** The engines, by their names in the configuration. */
export type EngineName = "native" | "node";

/** Returns the runtime that this program runs on. */
export function runtimeName(): RuntimeName {
  // Deno and Bun both have `process.versions.node`; each has its own name beside it.
  const versions: Record<string, string | undefined> = process.versions;
  if (versions.deno !== undefined) return "deno";
  return versions.bun !== undefined ? "bun" : "node";
}

/** The runtime with its version, such as `deno 2.9.6`. */
export function runtimeTitle(): string {
  const name = runtimeName();
  return `${name} ${process.versions[name] ?? ""}`.trim();
}

/** The engines of this runtime. */
export function engineNames(): EngineName[] {
  return runtimeName() === "node" ? ["node"] : ["native", "node"];
}
