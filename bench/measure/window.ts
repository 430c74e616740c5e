import { requestCount } from "../backends/files.ts";
import type { FileBackend } from "../backends/files.ts";
import type { RunningProxy } from "../proxies.ts";
import type { Spawned } from "../spawned.ts";
import { sleep } from "../wait.ts";
import { cpuMicros } from "./processes.ts";

/** What a proxy did and spent in a stretch of steady load. */
export interface Window {
  requests: number;
  seconds: number;
  cpuUs: number;
}

/**
 * Counts requests (the application's own count) and CPU time of the proxy in the middle of a run: neither the handshakes
 * at its beginning nor its end are in.
 *
 * @throws {Error} If the generator ends before the window does, or nothing was answered in it.
 */
export async function measureWindow(
  proxy: RunningProxy,
  backend: FileBackend,
  load: Spawned,
  { skipMs, windowMs }: { skipMs: number; windowMs: number },
): Promise<Window> {
  async function look() {
    const requests = await requestCount(backend);
    return { requests, cpuUs: cpuMicros(proxy.pids), at: performance.now() };
  }
  await sleep(skipMs);
  const first = await look();
  await sleep(windowMs);
  const last = await look();
  // One of them is the second look's own.
  const requests = last.requests - first.requests - 1;
  if (!load.running || requests < 1 || !proxy.process.running) {
    const words = [await proxy.process.lastWords(), await load.lastWords()].join("\n");
    throw new Error(`Cannot measure ${proxy.contender.name}: ${requests} requests answered\n${words}`);
  }
  return { requests, seconds: (last.at - first.at) / 1000, cpuUs: last.cpuUs - first.cpuUs };
}
