import type { Clock } from "../clock.ts";
import type { HttpsAnswer } from "./https_client.ts";
import { AcmeError, readRetryAfter } from "./problem.ts";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 5_000;

interface PollOptions {
  clock: Clock;
  signal?: AbortSignal;
  /** How long the server is asked, at most. */
  limitMs: number;
  /** What is waited for, for the error. */
  what: string;
}

/** Asks again and again, as often as the server allows. */
export class Poll {
  readonly #options: PollOptions;
  readonly #startMs: number;
  #pauseMs = FIRST_PAUSE_MS;
  #askedMs: number | undefined;
  #first = true;

  constructor(options: PollOptions) {
    this.#options = options;
    this.#startMs = options.clock.now();
  }

  /** The last answer, which may ask for a pause before the next question. */
  heard({ headers }: HttpsAnswer): void {
    this.#askedMs = readRetryAfter(headers["retry-after"], this.#options.clock.now());
    this.#first = false;
  }

  /**
   * Waits until the server may be asked again. The first question does not wait.
   * @throws {AcmeError} when the time is over
   */
  async wait(): Promise<void> {
    const { clock, signal, limitMs, what } = this.#options;
    if (!this.#first) {
      const pauseMs = this.#askedMs ?? this.#pauseMs;
      this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
      if (clock.now() + pauseMs - this.#startMs > limitMs) {
        throw new AcmeError(`Waited ${Math.round(limitMs / 1000)} s in vain for ${what}`);
      }
      await clock.sleep(pauseMs, signal);
    }
    if (signal?.aborted) throw new AcmeError("Stopped");
    this.#first = false;
  }
}
