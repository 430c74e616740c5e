import type { Runtime } from "./contract.ts";

export type RuntimeName = "deno" | "bun" | "node";

/** What this program runs on. */
export function runtimeName(): RuntimeName {
  // Deno and Bun both have `process.versions.node`; each has its own name beside it.
  const versions: Record<string, string | undefined> = globalThis.process?.versions ?? {};
  if (versions.deno !== undefined || "Deno" in globalThis) return "deno";
  return versions.bun !== undefined ? "bun" : "node";
}

/** The adapter of `engine` on this runtime. */
export async function loadRuntime(engine: "native" | "node"): Promise<Runtime> {
  if (engine === "node") return (await import("./node.ts")).nodeRuntime;
  const name = runtimeName();
  if (name === "deno") return (await import("./deno.ts")).denoRuntime;
  if (name === "bun") return (await import("./bun.ts")).bunRuntime;
  throw new Error(`Cannot load engine "${engine}" on ${name}: it has none`);
}

/** The engines that there are on this runtime. */
export function engineNames(): ("native" | "node")[] {
  return runtimeName() === "node" ? ["node"] : ["native", "node"];
}
