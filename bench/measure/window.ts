import { backendStatus } from "../backends/files.ts";
import type { FileBackend } from "../backends/files.ts";
import type { RunningProxy } from "../contenders/proxies.ts";
import type { Spawned } from "../lab/spawned.ts";
import { sleep, waitFor } from "../lab/wait.ts";
import { cpuMicros } from "./processes.ts";

/** What a proxy did and spent in a stretch of steady load. */
export interface Window {
  requests: number;
  seconds: number;
  cpuUs: number;
}

/** How long connections of the run before may take to be closed, and those of this one to be there. */
const CLOSING_MS = 3_000;
const PATIENCE_MS = 20_000;
const LOOK_EVERY_MS = 50;

/** Resolves when nobody but the asking one is connected to the application, or few have stayed of the run before. */
export async function untilIdle(backend: FileBackend): Promise<void> {
  const begin = performance.now();
  while ((await backendStatus(backend)).connections > 1 && performance.now() - begin < CLOSING_MS) {
    await sleep(LOOK_EVERY_MS);
  }
}

/**
 * Counts requests (the application's own count) and CPU time of the proxy in the middle of a run, between two looks at
 * both. Neither handshakes nor the run's end are in: the window begins when all connections have reached the
 * application, and `skipMs` more have passed.
 *
 * @param connections how many there will be; 0 where they come and go
 * @throws {Error} If the generator ends before the window does, or nothing was answered in it.
 */
export async function measureWindow(
  proxy: RunningProxy,
  backend: FileBackend,
  load: Spawned,
  { skipMs, windowMs, connections }: { skipMs: number; windowMs: number; connections: number },
): Promise<Window> {
  async function look() {
    const { requests } = await backendStatus(backend);
    return { requests, cpuUs: cpuMicros(proxy.pids), at: performance.now() };
  }
  const allThere = async () => {
    const there = (await backendStatus(backend)).connections - 1;
    if (there < connections) throw new Error(`${there} of ${connections} connections have reached the application`);
    return true;
  };
  if (connections > 0) await waitFor(load, allThere, { pauseMs: LOOK_EVERY_MS, timeoutMs: PATIENCE_MS });
  await sleep(skipMs);
  const first = await look();
  await sleep(windowMs);
  const last = await look();
  // One of these requests is the one that asks for the count the second time.
  const requests = last.requests - first.requests - 1;
  if (!load.running || requests < 1 || !proxy.process.running) {
    const words = [await proxy.process.lastWords(), await load.lastWords()].join("\n");
    throw new Error(`Cannot measure ${proxy.contender.name}: ${requests} requests answered\n${words}`);
  }
  return { requests, seconds: (last.at - first.at) / 1000, cpuUs: last.cpuUs - first.cpuUs };
}
