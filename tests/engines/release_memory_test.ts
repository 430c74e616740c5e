import assert from "node:assert/strict";
import { bunProgram } from "../support/proxies/runtimes.ts";
import { PATIENCE_MS } from "../support/wait.ts";

Deno.test("garbage is collected on Bun although buffers hold much memory", async () => {
  const program = new URL("release_memory_program.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(await bunProgram(), {
    args: [program],
    stdin: "null",
    signal: AbortSignal.timeout(PATIENCE_MS),
  }).output();
  const decoder = new TextDecoder();
  assert.equal(decoder.decode(stdout), "collected\n200\n", decoder.decode(stderr));
});
