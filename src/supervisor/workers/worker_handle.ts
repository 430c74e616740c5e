/** Handles of workers for the main thread. A worker is on a thread of its own, or in the main thread itself. */
import process from "node:process";
import type { Worker as Thread } from "node:worker_threads";
import type {
  MainMessage,
  Reply,
  Request,
  RequestName,
  WorkerEvent,
  WorkerIdentity,
  WorkerMessage,
} from "./messages.ts";
import { takeThread } from "./threads.ts";
import { Worker } from "./worker.ts";

export interface WorkerHandleOptions {
  index: number;
  slot: number;
  reusePort: boolean;
  /** What the keys of session tickets are made from, until another one comes. */
  ticketSecret: Uint8Array;
  /** Called with what the worker reports without being asked. */
  onEvent: (event: WorkerEvent) => void;
  /** Called once when the worker has ended without being told to. */
  onDeath: (error: Error) => void;
}

export interface WorkerHandle {
  readonly index: number;
  readonly isInline: boolean;
  /**
   * Sends the worker a request, and returns its reply.
   * @throws {Error} the worker's error, or one that says that it has ended
   */
  ask<Name extends RequestName>(request: Request<Name> & { type: Name }): Promise<Reply<Name>>;
  /** Ends the worker, and frees what it still has. */
  terminate(): Promise<void>;
}

const FATAL_EVENTS = ["uncaughtException", "unhandledRejection"] as const;

/** A worker in the main thread, which takes 20 MB less than one on a thread of its own. For a single worker. */
export class InlineWorker implements WorkerHandle {
  readonly isInline = true;
  readonly index: number;
  readonly #worker: Worker;
  readonly #die = (error: unknown) => {
    this.#ended = true;
    this.#forget();
    this.#onDeath(asError(error));
  };
  readonly #onDeath: (error: Error) => void;
  #ended = false;

  constructor({ index, slot, reusePort, ticketSecret, onEvent, onDeath }: WorkerHandleOptions) {
    this.index = index;
    this.#onDeath = onDeath;
    this.#worker = new Worker({ index, slot, reusePort, ticketSecret, post: onEvent });
    for (const event of FATAL_EVENTS) process.on(event, this.#die);
  }

  async ask<Name extends RequestName>(request: Request<Name> & { type: Name }): Promise<Reply<Name>> {
    if (this.#ended) throw new Error(`Worker ${this.index} has ended`);
    return await this.#worker.handle(request);
  }

  // deno-lint-ignore require-await
  async terminate(): Promise<void> {
    this.#ended = true;
    this.#forget();
  }

  #forget(): void {
    for (const event of FATAL_EVENTS) process.off(event, this.#die);
    this.#worker.end();
  }
}

/** A worker on its own thread. */
export class ThreadWorker implements WorkerHandle {
  readonly isInline = false;
  readonly index: number;
  readonly #thread: Thread;
  readonly #waiting = new Map<number, { resolve: (reply: never) => void; reject: (error: Error) => void }>();
  readonly #onDeath: (error: Error) => void;
  #requests = 0;
  #asked = false;
  #fault: Error | null = null;
  #ended = false;

  constructor({ index, slot, reusePort, ticketSecret, onEvent, onDeath }: WorkerHandleOptions) {
    this.index = index;
    this.#onDeath = onDeath;
    this.#thread = takeThread();
    this.#thread.postMessage({ index, slot, reusePort, ticketSecret } satisfies WorkerIdentity);
    this.#thread.on("message", (message: WorkerMessage) => {
      if (message.type === "event") {
        if (message.event.type === "fatal") this.#fault = new Error(message.event.error);
        return onEvent(message.event);
      }
      const waiting = this.#waiting.get(message.id);
      this.#waiting.delete(message.id);
      if (message.type === "reply") waiting?.resolve(message.reply as never);
      else waiting?.reject(new Error(message.error));
    });
    this.#thread.on("error", (error) => this.#fault = asError(error));
    this.#thread.on("exit", (code) => this.#exited(code));
  }

  ask<Name extends RequestName>(request: Request<Name> & { type: Name }): Promise<Reply<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(new Error(`Worker ${this.index} has ended`));
      const id = ++this.#requests;
      this.#waiting.set(id, { resolve, reject });
      this.#thread.postMessage({ id, request: request as Request } satisfies MainMessage);
    });
  }

  async terminate(): Promise<void> {
    this.#asked = true;
    await this.#thread.terminate();
  }

  #exited(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const error = this.#fault ?? new Error(`thread ended with code ${code}`);
    for (const { reject } of this.#waiting.values()) {
      reject(new Error(`Worker ${this.index} has ended: ${error.message}`));
    }
    this.#waiting.clear();
    if (!this.#asked) this.#onDeath(error);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
