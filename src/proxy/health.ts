/**
 * What is known of one backend, in memory that the main thread and all workers share: the probes of the one, and the
 * failed connects of the others, lead to one answer.
 */

import type { HealthConfig } from "../config/config.ts";

const DOWN = 0;
/** Bad probes and failed connects in a row. */
const BAD = 1;
const GOOD = 2;
/** How often it has come up: a worker that lets a backend cool down sees by it that there is no reason any more. */
const RECOVERIES = 3;
const WORDS = 4;

export function allocateHealth(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
}

/** How many in a row change the answer. */
interface HealthThresholds {
  rise: number;
  fall: number;
}

/** Without probes every failed connect is news, and so is one that succeeds. */
export function thresholdsOf({ intervalMs, rise, fall }: HealthConfig): HealthThresholds {
  return intervalMs > 0 ? { rise, fall } : { rise: 1, fall: 1 };
}

/** One backend's health. */
export class Health {
  readonly #words: Int32Array;
  readonly #thresholds: HealthThresholds;

  constructor(memory: SharedArrayBuffer, thresholds: HealthThresholds) {
    this.#words = new Int32Array(memory);
    this.#thresholds = thresholds;
  }

  get isDown(): boolean {
    return Atomics.load(this.#words, DOWN) === 1;
  }

  get recoveries(): number {
    return Atomics.load(this.#words, RECOVERIES);
  }

  /** Takes a good probe. Returns whether the backend has come up by it. */
  good(): boolean {
    const words = this.#words;
    Atomics.store(words, BAD, 0);
    if (Atomics.load(words, DOWN) === 0) return false;
    if (Atomics.add(words, GOOD, 1) + 1 < this.#thresholds.rise) return false;
    if (Atomics.compareExchange(words, DOWN, 1, 0) !== 1) return false;
    Atomics.store(words, GOOD, 0);
    Atomics.add(words, RECOVERIES, 1);
    return true;
  }

  /** Takes a bad probe, or a failed connect. Returns whether the backend has gone down by it. */
  bad(): boolean {
    const words = this.#words;
    Atomics.store(words, GOOD, 0);
    if (Atomics.load(words, DOWN) === 1) return false;
    if (Atomics.add(words, BAD, 1) + 1 < this.#thresholds.fall) return false;
    return Atomics.compareExchange(words, DOWN, 0, 1) === 0;
  }
}
