export type RuntimeName = "deno" | "bun" | "node";

/** What this program runs on. */
export function runtimeName(): RuntimeName {
  // Deno and Bun both have `process.versions.node`; each has its own name beside it.
  const versions: Record<string, string | undefined> = globalThis.process?.versions ?? {};
  if (versions.deno !== undefined || "Deno" in globalThis) return "deno";
  return versions.bun !== undefined ? "bun" : "node";
}

/** The engines that there are on this runtime. */
export function engineNames(): ("native" | "node")[] {
  return runtimeName() === "node" ? ["node"] : ["native", "node"];
}
