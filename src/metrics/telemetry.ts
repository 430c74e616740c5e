/**
 * What sessions report for logs and metrics. The functions are called for each chunk of data, so that implementations
 * only add to numbers in the worker's own shared memory, and neither lock nor post a message.
 */
import type { ConnectionRecord } from "./record.ts";
import type { Reason } from "./reasons.ts";

/** The monitor of one listener in one worker, or of one of its routes. */
export interface Telemetry {
  /** A connection was admitted. `client` is the address that limits and logs use. */
  opened(client: string): void;
  /** An admitted connection goes on by this route; what is told of it afterwards is told here. */
  routed(): void;
  /** Accepting had to pause: descriptors or memory have run out. */
  paused(): void;
  /** A connection was turned away before its handshake. `error` adds details where the reason has some. */
  rejected(reason: Reason, client: string, error?: string): void;
  /** A handshake succeeded. `version` is that of {@linkcode TlsInfo}. */
  handshakeDone(version: string | undefined, resumed: boolean | undefined, durationMs: number): void;
  handshakeFailed(reason: Reason): void;
  backendConnected(backend: string, durationMs: number): void;
  backendFailed(backend: string, reason: string): void;
  /** Plain bytes from the client were relayed. `client` is the same string for the whole connection. */
  bytesIn(client: string, count: number): void;
  bytesOut(client: string, count: number): void;
  /** An admitted connection ended. There is exactly one call for each call of `opened`. */
  closed(record: ConnectionRecord): void;
}
