import assert from "node:assert/strict";
import { TempDir } from "../support/proxies/proxy.ts";

Deno.test("deno task bench measures with the permissions that its task has", async () => {
  using dir = new TempDir();
  const out = dir.file("results");
  const args = ["--only", "throughput", "--contenders", "tls-off", "--sizes", "10", "--rounds", "1", "--window", "100"];
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "bench", ...args, "--out", out],
    cwd: new URL("../../", import.meta.url).pathname,
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  const { samples } = JSON.parse(await Deno.readTextFile(`${out}/results.json`));
  const [sample] = samples.filter(({ contender }: { contender: string }) => contender === "tls-off");
  assert.ok(sample?.values.requestsPerSecond > 0, JSON.stringify(samples));
});
