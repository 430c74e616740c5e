/**
 * The layout of one worker's numbers in shared memory: a block for each listener, followed by one for each of its
 * backends. Only that worker writes them. The main thread reads at any time, without a lock.
 */
import { DURATION_BUCKETS, histogramSize, LATENCY_BUCKETS } from "./buckets.ts";
import { REASONS } from "./reasons.ts";

/** A listener as the counters know it. */
export interface ListenerShape extends TargetShape {
  routes: TargetShape[];
}

/** A listener's own backend, or one of its routes. */
interface TargetShape {
  name: string;
  /** Labels of its backends. */
  backends: string[];
}

/** The kinds of handshakes that succeeded. `ok` is for engines that cannot tell whether a session was resumed. */
const HANDSHAKE_RESULTS = ["full", "resumed", "ok"] as const;
type HandshakeResult = typeof HANDSHAKE_RESULTS[number];
const TLS_VERSIONS = ["TLSv1.2", "TLSv1.3", "unknown"] as const;
/** Why a connect to a backend failed: kinds of `ConnError`, and `other` for the rest. */
export const BACKEND_FAILURES = ["refused", "timeout", "exhausted", "reset", "closed", "other"] as const;

/** The index at which each group of numbers starts, and how many numbers there are in all. */
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

/** A listener's block; what its routes took is in theirs alone, where those have the same number. */
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

/** A route's block. */
export const ROUTE = offsets({
  /** Connections that have got this route. */
  opened: 1,
  closed: 1,
  bytesIn: 1,
  bytesOut: 1,
  ended: REASONS.length,
});

/** A backend's block. */
export const BACKEND = offsets({
  failures: BACKEND_FAILURES.length,
  connectSeconds: histogramSize(LATENCY_BUCKETS),
});

/** A block and its backends' in a worker's numbers. */
export interface TargetRows {
  name: string;
  row: Float64Array;
  backends: { name: string; row: Float64Array }[];
}

/** A listener's block, its backends' and its routes' in a worker's numbers. */
export interface ListenerRows extends TargetRows {
  routes: TargetRows[];
}

/** Bytes of shared memory for these listeners. */
export function rowsSize(listeners: ListenerShape[]): number {
  const sizeOf = (size: number, { backends }: TargetShape) => size + backends.length * BACKEND.size;
  const numbers = listeners.reduce(
    (sum, listener) =>
      sum + sizeOf(LISTENER.size, listener) +
      listener.routes.reduce((inner, route) => inner + sizeOf(ROUTE.size, route), 0),
    0,
  );
  return numbers * Float64Array.BYTES_PER_ELEMENT;
}

/** Maps the blocks of these listeners, in their order. The worker and the main thread both do so. */
export function mapRows(buffer: SharedArrayBuffer, listeners: ListenerShape[]): ListenerRows[] {
  let offset = 0;
  const take = (size: number) => {
    const row = new Float64Array(buffer, offset, size);
    offset += row.byteLength;
    return row;
  };
  const map = ({ name, backends }: TargetShape, size: number): TargetRows => ({
    name,
    row: take(size),
    backends: backends.map((backend) => ({ name: backend, row: take(BACKEND.size) })),
  });
  return listeners.map((listener) => ({
    ...map(listener, LISTENER.size),
    routes: listener.routes.map((route) => map(route, ROUTE.size)),
  }));
}

/** The index of the number of a kind of handshake. A version that is not in the list counts as `unknown`. */
export function handshakeCell(result: HandshakeResult, version: string | undefined): number {
  const known = (TLS_VERSIONS as readonly (string | undefined)[]).indexOf(version);
  const column = known < 0 ? TLS_VERSIONS.indexOf("unknown") : known;
  return LISTENER.handshakes + HANDSHAKE_RESULTS.indexOf(result) * TLS_VERSIONS.length + column;
}

/** The kinds of handshakes with the index of each one's number. */
export function handshakeCells(): { result: string; version: string; offset: number }[] {
  return HANDSHAKE_RESULTS.flatMap((result) =>
    TLS_VERSIONS.map((version) => ({ result, version, offset: handshakeCell(result, version) }))
  );
}
