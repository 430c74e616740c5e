/** The module that a worker's thread runs. It starts the worker when a message has told it which one it is. */
import process from "node:process";
import { parentPort } from "node:worker_threads";
import { loadEngine } from "../../engines/load.ts";
import { runtimeName } from "../../runtimes/name.ts";
import type { MainMessage, WorkerEvent, WorkerIdentity, WorkerMessage } from "./messages.ts";
import { Worker } from "./worker.ts";

const THREAD_DIED = 70;

const port = parentPort!;
const post = (message: WorkerMessage) => port.postMessage(message);
let worker: Worker | null = null;

function die(error: unknown): void {
  worker?.flush();
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
port.once("message", ({ index, slot, reusePort, ticketSecret }: WorkerIdentity) => {
  const postEvent = (event: WorkerEvent) => post({ type: "event", event });
  const started = worker = new Worker({ index, slot, reusePort, ticketSecret, post: postEvent });
  port.on("message", (message: MainMessage) => void answer(started, message));
});
post({ type: "listening" });
// Most listeners on Deno have this engine. It is loaded while the main thread still reads the configuration.
if (runtimeName() === "deno") getReady().catch(die);

async function getReady(): Promise<void> {
  await loadEngine("native");
  (await import("../../linux/thread_libc.ts")).libc.openForListening();
}

async function answer(worker: Worker, { id, request }: MainMessage): Promise<void> {
  try {
    post({ type: "reply", id, reply: await worker.handle(request) });
  } catch (error) {
    post({ type: "error", id, error: error instanceof Error ? error.message : String(error) });
  }
}
