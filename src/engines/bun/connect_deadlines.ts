import { clearTimeout, setTimeout } from "node:timers";

/** What has to be over by a deadline. */
export interface Expirable {
  /** `performance.now()` time in milliseconds; `Infinity` for none. */
  readonly deadline: number;
  /** The deadline has passed. It is not watched any more. */
  expire(): void;
}

/**
 * The deadlines of connects, by one timer. Nearly all connects are over within a millisecond, and a timer for each
 * would be set and cleared for nothing.
 */
export class ConnectDeadlines {
  // On JavaScriptCore a Set does not keep what has left it, as V8's does (shared/members.ts): of objects that left one,
  // no fewer were collected than of objects that had been in none.
  readonly #pending = new Set<Expirable>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #dueMs = Infinity;

  add(connect: Expirable): void {
    this.#pending.add(connect);
    if (connect.deadline < this.#dueMs) this.#wakeAt(connect.deadline);
  }

  delete(connect: Expirable): void {
    this.#pending.delete(connect);
  }

  #wakeAt(dueMs: number): void {
    clearTimeout(this.#timer);
    this.#dueMs = dueMs;
    // The connects keep the process alive, and the timer may outlive them.
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, dueMs - performance.now())).unref();
  }

  #tick(): void {
    this.#dueMs = Infinity;
    const nowMs = performance.now();
    let nextMs = Infinity;
    for (const connect of this.#pending) {
      if (connect.deadline > nowMs) nextMs = Math.min(nextMs, connect.deadline);
      else {
        this.#pending.delete(connect);
        connect.expire();
      }
    }
    if (nextMs < this.#dueMs) this.#wakeAt(nextMs);
  }
}
