/** Makes the answers of `/stats` and `/clients`, for the live page, `tls-off top` and scripts. */
import { DURATION_BUCKETS, LATENCY_BUCKETS, quantile, readHistogram } from "../metrics/buckets.ts";
import { NO_RATES, type Rates } from "../metrics/client_rates.ts";
import type { HistoryPoint } from "../metrics/history.ts";
import type { ListenerTotals } from "../metrics/counters.ts";
import { clientLabel } from "../metrics/metric_families.ts";
import type { AcmeCertificate, CertificateExpiry, MetricSources } from "../metrics/sources.ts";
import { handshakeCells } from "../metrics/rows.ts";
import { type ProcessStats, readProcessStats } from "../metrics/process_stats.ts";
import { isOrderly, REASONS } from "../metrics/reasons.ts";
import { BACKEND, BACKEND_FAILURES, LISTENER, ROUTE } from "../metrics/rows.ts";

const ORDERLY = REASONS.filter(isOrderly);

/** Seconds. */
interface Quantiles {
  p50: number | null;
  p99: number | null;
}

/** What a listener, a route or a worker has relayed since the start. */
export interface TrafficStats {
  opened: number;
  active: number;
  bytesIn: number;
  bytesOut: number;
}

export interface BackendStats {
  /** Its route; "" for the listener's own. */
  route: string;
  /** Whether it is well; `null` where it is no backend any more. */
  up: boolean | null;
  name: string;
  connects: number;
  connectSeconds: Quantiles;
  /** Failures by reason. Here and below, what never occurred is absent. */
  errors: Record<string, number>;
}

export interface RouteStats extends TrafficStats {
  name: string;
  ended: Record<string, number>;
}

export interface ListenerStats extends TrafficStats {
  name: string;
  engine: string | null;
  /** How often accepting had to pause, because descriptors or memory had run out. */
  acceptPauses: number;
  /** Present connections that are older than the last reload. */
  superseded: number;
  rejected: Record<string, number>;
  ended: Record<string, number>;
  /** Handshakes by result and version, such as `full TLSv1.3`. */
  handshakes: Record<string, number>;
  handshakesFailed: Record<string, number>;
  /** Percentiles since the start. */
  handshakeSeconds: Quantiles;
  connectionSeconds: Quantiles;
  backends: BackendStats[];
  /** Of what has a route; what has none is in the numbers of the listener alone. */
  routes: RouteStats[];
  workers: (TrafficStats & { worker: number })[];
}

/** The answer of `/stats`. */
export interface Stats {
  version: string;
  runtime: string;
  timeMs: number;
  startedMs: number;
  draining: boolean;
  /** The reasons of `ended` that are no failures. */
  orderly: readonly string[];
  listeners: ListenerStats[];
  certificates: readonly CertificateExpiry[];
  /** Certificates that are ordered and renewed by themselves. */
  acme: readonly AcmeCertificate[];
  reloads: { ok: number; failed: number };
  workerRestarts: number;
  log: { dropped: number; diverted: number; suppressed: number };
  process: ProcessStats;
  /** The last second; `null` in the first. */
  now: HistoryPoint | null;
  /** The last five minutes, where they were asked for. */
  history?: HistoryPoint[];
}

/** Makes the answer of `/stats`: everything but the clients. */
export function stats(sources: MetricSources, options: { draining: boolean; history: boolean }): Stats {
  const { options: { version, runtime, log }, startedMs, certificates, reloads, workerRestarts, history } = sources;
  const states = new Map(
    sources.backends.states.map((state) => [keyOf(state.listener, state.route, state.backend), state]),
  );
  const isUp: IsUp = (...backend) => states.get(keyOf(...backend))?.isUp ?? null;
  return {
    version,
    runtime,
    timeMs: Date.now(),
    startedMs,
    draining: options.draining,
    orderly: ORDERLY,
    listeners: sources.counters.totals().map((totals) => listenerStats(totals, sources.engines, isUp)),
    certificates,
    acme: sources.acme?.statuses ?? [],
    reloads: { ...reloads },
    workerRestarts,
    log: { dropped: log.dropped, diverted: log.diverted, suppressed: sources.entries.suppressed },
    process: readProcessStats(sources.openFiles),
    now: history.points.at(-1) ?? null,
    ...(options.history ? { history: history.points } : {}),
  };
}

type IsUp = (listener: string, route: string, backend: string) => boolean | null;

function keyOf(...parts: string[]): string {
  return parts.join("\0");
}

function listenerStats(
  { name, row, active, superseded, workers, routes, backends }: ListenerTotals,
  engines: ReadonlyMap<string, string>,
  isUp: IsUp,
) {
  const handshakes = handshakeCells().map(({ result, version, offset }) =>
    [`${result} ${version}`, row[offset]] as const
  );
  return {
    name,
    engine: engines.get(name) ?? null,
    ...traffic(row, active),
    acceptPauses: row[LISTENER.acceptPauses],
    superseded,
    rejected: occurred(REASONS, row, LISTENER.rejected),
    ended: occurred(REASONS, row, LISTENER.ended),
    handshakes: Object.fromEntries(handshakes.filter(([, count]) => count > 0)),
    handshakesFailed: occurred(REASONS, row, LISTENER.handshakesFailed),
    handshakeSeconds: quantiles(row, LISTENER.handshakeSeconds, LATENCY_BUCKETS),
    connectionSeconds: quantiles(row, LISTENER.connectionSeconds, DURATION_BUCKETS),
    routes: routes.map(({ name, row, active }) => ({
      name,
      opened: row[ROUTE.opened],
      active,
      bytesIn: row[ROUTE.bytesIn],
      bytesOut: row[ROUTE.bytesOut],
      ended: occurred(REASONS, row, ROUTE.ended),
    })),
    backends: backends.map(({ route, name: backend, row }) => ({
      route,
      name: backend,
      up: isUp(name, route, backend),
      connects: readHistogram(row, BACKEND.connectSeconds, LATENCY_BUCKETS).counts.reduce((sum, n) => sum + n, 0),
      connectSeconds: quantiles(row, BACKEND.connectSeconds, LATENCY_BUCKETS),
      errors: occurred(BACKEND_FAILURES, row, BACKEND.failures),
    })),
    workers: workers.map(({ worker, row, active }) => ({ worker, ...traffic(row, active) })),
  };
}

function traffic(row: Float64Array, active: number): TrafficStats {
  return { opened: row[LISTENER.opened], active, bytesIn: row[LISTENER.bytesIn], bytesOut: row[LISTENER.bytesOut] };
}

function occurred(names: readonly string[], row: Float64Array, offset: number): Record<string, number> {
  return Object.fromEntries(names.map((name, i) => [name, row[offset + i]] as const).filter(([, count]) => count > 0));
}

function quantiles(row: Float64Array, offset: number, bounds: readonly number[]): Quantiles {
  const histogram = readHistogram(row, offset, bounds);
  return { p50: quantile(histogram, 0.5), p99: quantile(histogram, 0.99) };
}

/** One client in the answer of `/clients`. */
export interface ClientStats extends Rates {
  client: string;
  active: number;
  opened: number;
  bytesIn: number;
  bytesOut: number;
  /** Most bytes that may be missing in the two numbers above. */
  error: number;
}

/** The answer of `/clients`. */
export interface ClientsStats {
  timeMs: number;
  /** How many clients are known now. */
  known: number;
  /** Most bytes that a client may have moved that is not known. */
  bound: number;
  /** The sums over all clients that are not known. */
  others: { bytesIn: number; bytesOut: number; opened: number };
  clients: ClientStats[];
}

/** The orders that clients can be listed in. */
export const CLIENT_ORDERS = {
  bytes: ({ bytesIn, bytesOut }) => bytesIn + bytesOut,
  rate: ({ in10s, out10s }) => in10s + out10s,
  active: ({ active }) => active,
  opened: ({ opened }) => opened,
} satisfies Record<string, (client: ClientStats) => number>;
export type ClientOrder = keyof typeof CLIENT_ORDERS;

/**
 * Makes the answer of `/clients`: the busiest clients.
 * @param top how many clients
 */
export function clientsStats(sources: MetricSources, top: number, order: ClientOrder): ClientsStats {
  const { clients, bound, others } = sources.clients.snapshot();
  const weigh = CLIENT_ORDERS[order];
  const known = clients.map(({ client, ...numbers }) => ({
    client: clientLabel(client),
    ...numbers,
    ...(numbers.active > 0 || numbers.bytesIn + numbers.bytesOut > 0 ? sources.rates.of(client) : NO_RATES),
  }));
  known.sort((a, b) => weigh(b) - weigh(a) || CLIENT_ORDERS.bytes(b) - CLIENT_ORDERS.bytes(a));
  return { timeMs: Date.now(), known: known.length, bound, others, clients: known.slice(0, top) };
}
