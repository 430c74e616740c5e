import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Lab } from "../lab/lab.ts";
import type { RunningProxy } from "../contenders/proxies.ts";
import { waitFor } from "../lab/wait.ts";

const PROGRAM = fileURLToPath(new URL("./idle_connections_program.ts", import.meta.url));

/** Opens connections that make one small request each and then stay, until disposed of. In a process of its own. */
export async function holdIdleConnections(lab: Lab, proxy: RunningProxy, count: number): Promise<AsyncDisposable> {
  const log = join(await lab.makeFolder("idle"), "output.log");
  const process = lab.spawn(Deno.execPath(), [
    ...["run", "--no-config", "--no-prompt", "--allow-net=127.0.0.1", "--allow-read", PROGRAM],
    ...[String(proxy.port), String(count), ...(proxy.contender.tls ? [lab.certificates.ecdsa.ca] : [])],
  ], { cpus: lab.cpus.load, log });
  const timeoutMs = 15_000 + count * 10;
  await waitFor(process, async () => (await Deno.readTextFile(log)).includes("READY"), { pauseMs: 100, timeoutMs });
  return { [Symbol.asyncDispose]: () => process.stop() };
}
