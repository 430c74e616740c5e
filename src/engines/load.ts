import { type EngineName, runtimeName } from "../runtimes/name.ts";
import type { Engine } from "./contract.ts";

/** Loads an engine for this runtime. */
export async function loadEngine(engine: EngineName): Promise<Engine> {
  if (engine === "node") return (await import("./node/node.ts")).nodeEngine;
  const name = runtimeName();
  if (name === "deno") return (await import("./deno/deno.ts")).denoEngine;
  if (name === "bun") return (await import("./bun/bun.ts")).bunEngine;
  throw new Error(`Cannot load engine "${engine}" on ${name}: it has none`);
}
