import type { KeyKind } from "./lab.ts";

/** How much is measured. */
export interface Settings {
  rounds: number;
  /** Bytes of an answer's body. */
  sizes: number[];
  /** Connections of the generator in the keep-alive and half load runs. */
  connections: number;
  /** Load before the measured stretch begins: handshakes, warming up. */
  skipMs: number;
  /** The measured stretch of a run. */
  windowMs: number;
  /** Certificates that handshakes are measured with. */
  keys: KeyKind[];
  /** Processes that open connections at the same time, when handshakes are measured. */
  handshakeParallel: number;
  /** How many idle connections the memory is measured at. */
  idleCounts: number[];
  idleRounds: number;
}

export const QUICK: Settings = {
  rounds: 3,
  sizes: [10, 10_000, 1_000_000],
  connections: 50,
  skipMs: 600,
  windowMs: 1300,
  keys: ["ecdsa"],
  handshakeParallel: 4,
  idleCounts: [1000],
  idleRounds: 1,
};

export const FULL: Settings = {
  rounds: 7,
  sizes: [10, 100, 1000, 10_000, 100_000, 1_000_000],
  connections: 100,
  skipMs: 1000,
  windowMs: 4000,
  keys: ["ecdsa", "rsa"],
  handshakeParallel: 4,
  idleCounts: [1000, 5000, 10_000],
  idleRounds: 3,
};
