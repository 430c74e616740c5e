import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BUN_FLAGS } from "../../scripts/start_task.ts";
import type { Contender } from "./contender.ts";
import { readStartTask } from "./tls_off.ts";

const PROGRAMS = {
  deno: fileURLToPath(new URL("./barest/deno_loop.ts", import.meta.url)),
  "deno-node": fileURLToPath(new URL("./barest/node_loop.mjs", import.meta.url)),
  bun: fileURLToPath(new URL("./barest/bun_loop.mjs", import.meta.url)),
};

/** V8's flags and the environment that ours runs with on Deno, so that the loop differs in its code alone. */
async function denoSettings(directory: string): Promise<{ env: Record<string, string>; flags: string[] }> {
  const { env, args } = readStartTask(await Deno.readTextFile(join(directory, "deno.json")), directory);
  return { env, flags: args.filter((arg) => arg.startsWith("--v8-flags=")) };
}

/**
 * The barest loop on a runtime, or on Deno's `node:tls`: what the runtime itself costs.
 *
 * @param directory of our sources, whose flags it gets
 */
export function barest(loop: keyof typeof PROGRAMS, directory: string): Contender {
  const runtime = loop === "bun" ? "bun" : "deno";
  return {
    name: `barest:${loop}`,
    kind: "barest",
    tls: true,
    needs: [{ command: runtime }],
    scales: false,
    version: [runtime, "--version"],
    async launch({ port, certificate, backend }) {
      const args = [PROGRAMS[loop], String(port), certificate.cert, certificate.key, backend];
      if (runtime === "bun") return { command: "bun", args: [...BUN_FLAGS, ...args] };
      const { env, flags } = await denoSettings(directory);
      const permissions = ["--allow-net", "--allow-read", "--allow-write", "--allow-ffi"];
      return { command: "deno", args: ["run", "--no-config", "--no-prompt", ...flags, ...permissions, ...args], env };
    },
  };
}
