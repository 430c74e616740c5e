/**
 * The shape of one worker's numbers in shared memory: for each listener a block, for each of its backends another. Only
 * that worker writes them; the main thread reads at any time, without a lock.
 */
import { DURATION_BUCKETS, histogramSize, LATENCY_BUCKETS } from "./buckets.ts";
import { REASONS } from "./reasons.ts";

/** A listener as the counters know it. */
export interface ListenerShape {
  name: string;
  /** Labels of its backends. */
  backends: string[];
}

/** How a handshake went that succeeded; `ok` where the engine cannot tell whether it was resumed. */
export const HANDSHAKE_RESULTS = ["full", "resumed", "ok"] as const;
export const TLS_VERSIONS = ["TLSv1.2", "TLSv1.3", "unknown"] as const;
/** Why a backend failed: the kinds of `ConnError`, the rest as `other`. */
export const BACKEND_FAILURES = ["refused", "timeout", "exhausted", "reset", "closed", "other"] as const;

/** Where each group of numbers starts, and how many numbers there are. */
type Offsets<Sizes> = { readonly [Name in keyof Sizes]: number } & { readonly size: number };

function offsets<Sizes extends Record<string, number>>(sizes: Sizes): Offsets<Sizes> {
  const result: Record<string, number> = {};
  let size = 0;
  for (const [name, count] of Object.entries(sizes)) {
    result[name] = size;
    size += count;
  }
  return { ...result, size } as Offsets<Sizes>;
}

/** A listener's block. */
export const LISTENER = offsets({
  opened: 1,
  closed: 1,
  bytesIn: 1,
  bytesOut: 1,
  acceptPauses: 1,
  rejected: REASONS.length,
  ended: REASONS.length,
  handshakes: HANDSHAKE_RESULTS.length * TLS_VERSIONS.length,
  handshakesFailed: REASONS.length,
  handshakeSeconds: histogramSize(LATENCY_BUCKETS),
  connectionSeconds: histogramSize(DURATION_BUCKETS),
});

/** A backend's block. */
export const BACKEND = offsets({
  failures: BACKEND_FAILURES.length,
  connectSeconds: histogramSize(LATENCY_BUCKETS),
});

/** One listener's block and its backends' in a worker's numbers. */
export interface ListenerRows {
  name: string;
  row: Float64Array;
  backends: { name: string; row: Float64Array }[];
}

/** Bytes of shared memory for these listeners. */
export function rowsSize(listeners: ListenerShape[]): number {
  const numbers = listeners.reduce((sum, { backends }) => sum + LISTENER.size + backends.length * BACKEND.size, 0);
  return numbers * Float64Array.BYTES_PER_ELEMENT;
}

/** The blocks of these listeners, in their order; the same on both sides. */
export function mapRows(buffer: SharedArrayBuffer, listeners: ListenerShape[]): ListenerRows[] {
  let offset = 0;
  const take = (size: number) => {
    const row = new Float64Array(buffer, offset, size);
    offset += row.byteLength;
    return row;
  };
  return listeners.map(({ name, backends }) => ({
    name,
    row: take(LISTENER.size),
    backends: backends.map((backend) => ({ name: backend, row: take(BACKEND.size) })),
  }));
}

/** The names of the handshakes' cells, in their order. */
export function handshakeCells(): { result: string; version: string; offset: number }[] {
  return HANDSHAKE_RESULTS.flatMap((result, i) =>
    TLS_VERSIONS.map((version, j) => ({ result, version, offset: LISTENER.handshakes + i * TLS_VERSIONS.length + j }))
  );
}
