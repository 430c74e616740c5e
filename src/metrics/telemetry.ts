/**
 * What the data path tells the observers. Called on hot paths: implementations add to numbers in the worker's own row of
 * shared memory, and neither lock nor post a message there.
 */
import type { ConnectionRecord } from "./record.ts";
import type { Reason } from "./reasons.ts";

/** The monitor of one listener in one worker. */
export interface Telemetry {
  /** A connection was admitted; the client is the address that limits and logs use. */
  opened(client: string): void;
  /** Accepting had to pause: descriptors or memory have run out. */
  paused(): void;
  /** A connection was turned away before its handshake. `error` says more where the reason does not say all. */
  rejected(reason: Reason, client: string, error?: string): void;
  /** Durations in milliseconds. `version` as in {@linkcode TlsInfo}. */
  handshakeDone(version: string | undefined, resumed: boolean | undefined, durationMs: number): void;
  handshakeFailed(reason: Reason): void;
  backendConnected(backend: string, durationMs: number): void;
  backendFailed(backend: string, reason: string): void;
  /** Plain bytes relayed: `in` from the client, `out` to it. `client` is the same string for the whole connection. */
  bytesIn(client: string, count: number): void;
  bytesOut(client: string, count: number): void;
  /** An admitted connection ended; exactly one call for each `opened`. */
  closed(record: ConnectionRecord): void;
}
