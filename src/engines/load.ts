import { runtimeName } from "../runtimes/name.ts";
import type { Runtime } from "./contract.ts";

/** Loads an engine for this runtime. */
export async function loadRuntime(engine: "native" | "node"): Promise<Runtime> {
  if (engine === "node") return (await import("./node/node.ts")).nodeRuntime;
  const name = runtimeName();
  if (name === "deno") return (await import("./deno/deno.ts")).denoRuntime;
  if (name === "bun") return (await import("./bun/bun.ts")).bunRuntime;
  throw new Error(`Cannot load engine "${engine}" on ${name}: it has none`);
}
