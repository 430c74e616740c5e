import { isMainThread, workerData } from "node:worker_threads";
import type { WorkerThreadData } from "./messages.ts";

/** Whether this thread is a worker of the program. */
export function isWorkerThread(): boolean {
  return !isMainThread && (workerData as Partial<WorkerThreadData> | null)?.role === "tls-off worker";
}
