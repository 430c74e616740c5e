import { randomBytes } from "node:crypto";

/** How long tickets are made by one secret. */
const PERIOD_MS = 12 * 3_600_000;
const SECRET_BYTES = 32;

/**
 * The secret that all workers make the keys of their session tickets from, so that a session resumes in each of them.
 * It is made anew every twelve hours and the old one is forgotten: whoever learns a secret can read the sessions of its
 * period alone. Node takes one set of keys at a time, so a session that is older than the last change is not resumed,
 * but its client shakes hands in full once.
 */
export class TicketSecrets {
  #current: Uint8Array = randomBytes(SECRET_BYTES);

  readonly #renewed: (secret: Uint8Array) => void;
  readonly #periodMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param renewed is called with each new secret */
  constructor(renewed: (secret: Uint8Array) => void, periodMs = PERIOD_MS) {
    this.#renewed = renewed;
    this.#periodMs = periodMs;
  }

  /** Begins to renew the secret. A second call has no effect. */
  start(): void {
    this.#timer ??= setInterval(() => this.#renewed(this.#current = randomBytes(SECRET_BYTES)), this.#periodMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get current(): Uint8Array {
    return this.#current;
  }
}
