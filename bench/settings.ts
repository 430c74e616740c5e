import type { KeyKind } from "./lab/lab.ts";

/** How much is measured. */
export interface Settings {
  rounds: number;
  /** Bytes of an answer's body. */
  sizes: number[];
  /** Bytes of a request's body, where that is what is large. */
  uploadSizes: number[];
  /** Sizes that the half load runs use. */
  halfLoadSizes: number[];
  /** Connections of the generator in the keep-alive and half load runs. */
  connections: number;
  /** Other numbers of connections, and the sizes that they are tried with. */
  connectionCounts: number[];
  connectionSizes: number[];
  /** Numbers of workers that are compared, on the same CPUs. */
  workerCounts: number[];
  /** Load before the measured stretch begins, after the last handshake. */
  skipMs: number;
  /** The measured stretch of a run. */
  windowMs: number;
  /** New connections that nobody counts, before handshakes are measured with a proxy that was started for them. */
  connectionsWarmUpMs: number;
  /** Certificates that handshakes are measured with. */
  keys: KeyKind[];
  resumption: boolean;
  /** Processes that open connections at the same time, when handshakes are measured. */
  handshakeParallel: number;
  /** How many idle connections the memory is measured at. */
  idleCounts: number[];
  idleRounds: number;
  reloads: number;
  article: ArticleSettings;
}

export interface ArticleSettings {
  rounds: number;
  sizes: number[];
  connections: number;
  durationMs: number;
  /** What runs the application. */
  runtimes: ("node" | "deno" | "bun")[];
}

export const QUICK: Settings = {
  rounds: 2,
  sizes: [10, 10_000, 1_000_000],
  uploadSizes: [1_000_000],
  halfLoadSizes: [10],
  connections: 100,
  connectionCounts: [1000],
  connectionSizes: [10],
  workerCounts: [1, 2],
  skipMs: 200,
  windowMs: 600,
  connectionsWarmUpMs: 500,
  keys: ["ecdsa"],
  resumption: false,
  handshakeParallel: 4,
  idleCounts: [1000],
  idleRounds: 1,
  reloads: 3,
  article: { rounds: 1, sizes: [10, 10_000, 1_000_000], connections: 100, durationMs: 2000, runtimes: ["node"] },
};

export const FULL: Settings = {
  rounds: 7,
  sizes: [10, 100, 1000, 10_000, 100_000, 1_000_000],
  uploadSizes: [10_000, 1_000_000],
  halfLoadSizes: [10, 10_000, 1_000_000],
  connections: 100,
  connectionCounts: [1, 1000, 3000],
  connectionSizes: [10, 10_000],
  workerCounts: [1, 2],
  skipMs: 1000,
  windowMs: 4000,
  connectionsWarmUpMs: 10_000,
  keys: ["ecdsa", "rsa"],
  resumption: true,
  handshakeParallel: 4,
  idleCounts: [1000, 5000, 10_000],
  idleRounds: 3,
  reloads: 10,
  article: {
    rounds: 5,
    sizes: [10, 100, 1000, 10_000, 100_000, 1_000_000],
    connections: 3000,
    durationMs: 30_000,
    runtimes: ["node", "deno", "bun"],
  },
};
