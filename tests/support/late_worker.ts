/**
 * Asks a worker whose thread takes some turns of the event loop to load its modules, as on a busy machine, and prints
 * the answer.
 */
import { isMainThread, Worker as Thread } from "node:worker_threads";
import type { WorkerThreadData } from "../../src/supervisor/workers/messages.ts";
import { ThreadChannel } from "../../src/supervisor/workers/thread_channel.ts";
import { ThreadWorker } from "../../src/supervisor/workers/worker_handle.ts";

const TURNS = 20;

if (isMainThread) {
  const workerData: WorkerThreadData = { role: "tls-off worker" };
  const worker = new ThreadWorker(
    {
      index: 0,
      slot: 0,
      reusePort: true,
      ticketSecret: new Uint8Array(32),
      onEvent: () => {},
      onDeath: (error) => console.error(error.message),
    },
    new ThreadChannel(new Thread(new URL(import.meta.url), { workerData })),
    10_000,
  );
  console.log("connections:", await worker.ask({ type: "ping" }));
  await worker.terminate();
} else {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setTimeout(resolve));
  await import("../../src/supervisor/workers/worker_thread.ts");
}
