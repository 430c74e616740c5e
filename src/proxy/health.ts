/**
 * What is known of one backend, in memory that all threads share: the probes of the main thread and the failed connects
 * of the workers together decide whether it is up.
 */

import type { HealthConfig } from "../config/config.ts";

const DOWN = 0;
/** Bad probes and failed connects in a row. */
const BAD = 1;
const GOOD = 2;
/** How often it has come up. A worker that lets the backend cool down ends that when the number changes. */
const RECOVERIES = 3;
const WORDS = 4;

export function allocateHealth(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT);
}

/** How many good or bad probes in a row change whether a backend is up. */
interface HealthThresholds {
  rise: number;
  fall: number;
}

/** Without probes one failed connect makes a backend go down, and one that succeeds makes it come up. */
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
