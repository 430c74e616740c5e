/** The module that a worker's thread runs. It starts the worker when it is loaded. */
import process from "node:process";
import { parentPort, workerData } from "node:worker_threads";
import type { MainMessage, WorkerMessage, WorkerThreadData } from "./messages.ts";
import { Worker } from "./worker.ts";

const THREAD_DIED = 70;

const port = parentPort!;
const { index, slot, reusePort, ticketSecret } = workerData as WorkerThreadData;
const post = (message: WorkerMessage) => port.postMessage(message);
const worker = new Worker({ index, slot, reusePort, ticketSecret, post: (event) => post({ type: "event", event }) });

function die(error: unknown): void {
  worker.flush();
  post({ type: "event", event: { type: "fatal", error: describe(error) } });
  process.exit(THREAD_DIED);
}

/** The message of an error, and where it was thrown, because it is a fault of the program. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const [, place] = /\n\s+at (.*)/.exec(error.stack ?? "") ?? [];
  return place === undefined ? error.message : `${error.message} (at ${place})`;
}

process.on("uncaughtException", die);
process.on("unhandledRejection", die);
port.on("message", async ({ id, request }: MainMessage) => {
  try {
    post({ type: "reply", id, reply: await worker.handle(request) });
  } catch (error) {
    post({ type: "error", id, error: error instanceof Error ? error.message : String(error) });
  }
});
