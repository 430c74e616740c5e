import type { Worker as Thread } from "node:worker_threads";
import type { MainMessage, WorkerIdentity, WorkerMessage } from "./messages.ts";

type Sent = WorkerIdentity | MainMessage;
type Received = Exclude<WorkerMessage, { type: "listening" }>;

/**
 * The messages between the main thread and the thread of a worker.
 *
 * Deno drops a message that reaches a thread before it listens: while its modules are being loaded the thread already
 * takes messages, and finds nobody to give them to. On a busy machine that happens. So nothing is posted until the
 * thread has said that it listens.
 */
export class ThreadChannel {
  readonly thread: Thread;
  /** Messages that wait until the thread listens; `null` when it does. */
  #unsent: Sent[] | null = [];
  #receive: (message: Received) => void = () => {};

  constructor(thread: Thread) {
    this.thread = thread;
    thread.on("message", (message: WorkerMessage) => {
      if (message.type !== "listening") return this.#receive(message);
      for (const message of this.#unsent ?? []) thread.postMessage(message);
      this.#unsent = null;
    });
  }

  /** Calls `receive` with each message that the thread posts from now on. */
  onMessage(receive: (message: Received) => void): void {
    this.#receive = receive;
  }

  /** Posts a message to the thread, at once or as soon as it listens. */
  post(message: Sent): void {
    if (this.#unsent === null) this.thread.postMessage(message);
    else this.#unsent.push(message);
  }
}
