/** Handles of workers for the main thread. A worker is on a thread of its own, or in the main thread itself. */
import { clearTimeout, setTimeout } from "node:timers";
import type { Reply, Request, RequestName, WorkerEvent } from "./messages.ts";
import type { ThreadChannel } from "./thread_channel.ts";
import { takeThread } from "./threads.ts";

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
   * @throws {Error} the worker's error, or one that says that it has ended or does not answer
   */
  ask<Name extends RequestName>(request: Request<Name> & { type: Name }): Promise<Reply<Name>>;
  /** Ends the worker, and frees what it still has. */
  terminate(): Promise<void>;
}

/** How long a worker may take for an answer. On a machine that is too busy its start alone takes seconds. */
const ANSWER_MS = 60_000;
/** In a process that was stopped meanwhile the deadline is over although the answer waits to be read: so much later. */
const LATE_ANSWER_PART = 1 / 60;

interface Waiting {
  resolve: (reply: never) => void;
  reject: (error: Error) => void;
  deadline: ReturnType<typeof setTimeout>;
}

/** A worker on its own thread. */
export class ThreadWorker implements WorkerHandle {
  readonly isInline = false;
  readonly index: number;
  readonly #channel: ThreadChannel;
  readonly #answerMs: number;
  readonly #waiting = new Map<number, Waiting>();
  readonly #onDeath: (error: Error) => void;
  #requests = 0;
  #asked = false;
  #fault: Error | null = null;
  #ended = false;

  /**
   * @param channel to the thread that becomes the worker
   * @param answerMs how long an answer may take, until whoever asked gets an error
   */
  constructor(
    { index, slot, reusePort, ticketSecret, onEvent, onDeath }: WorkerHandleOptions,
    channel = takeThread(),
    answerMs = ANSWER_MS,
  ) {
    this.index = index;
    this.#onDeath = onDeath;
    this.#channel = channel;
    this.#answerMs = answerMs;
    channel.post({ index, slot, reusePort, ticketSecret });
    channel.onMessage((message) => {
      if (message.type === "event") {
        if (message.event.type === "fatal") this.#fault = new Error(message.event.error);
        return onEvent(message.event);
      }
      const waiting = this.#taken(message.id);
      if (message.type === "reply") waiting?.resolve(message.reply as never);
      else waiting?.reject(new Error(message.error));
    });
    channel.thread.on("error", (error) => this.#fault = asError(error));
    channel.thread.on("exit", (code) => this.#exited(code));
  }

  ask<Name extends RequestName>(request: Request<Name> & { type: Name }): Promise<Reply<Name>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(new Error(`Worker ${this.index} has ended`));
      const id = ++this.#requests;
      const deadline = setTimeout(() => this.#late(id, request.type), this.#answerMs).unref();
      this.#waiting.set(id, { resolve, reject, deadline });
      this.#channel.post({ id, request: request as Request });
    });
  }

  async terminate(): Promise<void> {
    this.#asked = true;
    await this.#channel.thread.terminate();
  }

  #taken(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.deadline);
    return waiting;
  }

  #late(id: number, request: RequestName): void {
    const waiting = this.#waiting.get(id)!;
    waiting.deadline = setTimeout(() => {
      const seconds = this.#answerMs / 1000;
      this.#taken(id)?.reject(new Error(`Worker ${this.index} has not answered for ${seconds} s (${request})`));
    }, this.#answerMs * LATE_ANSWER_PART).unref();
  }

  #exited(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    const error = this.#fault ?? new Error(`thread ended with code ${code}`);
    for (const id of [...this.#waiting.keys()]) {
      this.#taken(id)?.reject(new Error(`Worker ${this.index} has ended: ${error.message}`));
    }
    if (!this.#asked) this.#onDeath(error);
  }
}

export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
