/** The metrics of connections: how many there are, their handshakes, bytes, ends and backends. */
import { DURATION_BUCKETS, LATENCY_BUCKETS, readHistogram } from "./buckets.ts";
import type { ListenerTotals, WorkerTotals } from "./counters.ts";
import { counter, gauge, histogram, type MetricFamily, type Sample } from "./metric_family.ts";
import { describeReason, type Reason, REASONS, reasonsOf } from "./reasons.ts";
import { BACKEND, BACKEND_FAILURES, handshakeCells, LISTENER, ROUTE } from "./rows.ts";

/**
 * Reasons whose series exist from the start, so that the first increase is seen. Other series begin with a connection.
 */
const USUAL_REJECTIONS = reasonsOf("accept");
const USUAL_HANDSHAKE_FAILURES = reasonsOf("handshake");
const USUAL_ENDINGS = REASONS.filter((reason) => describeReason(reason).stage !== "accept");

export function connectionFamilies(listeners: ListenerTotals[]): MetricFamily[] {
  const perWorker = (value: (worker: ListenerTotals["workers"][number]) => number) =>
    listeners.flatMap(({ name, workers }) =>
      workers.map((one) => ({ labels: { listener: name, worker: String(one.worker) }, value: value(one) }))
    );
  return [
    counter("connections_total", "Connections admitted.", perWorker(({ row }) => row[LISTENER.opened])),
    gauge("connections_active", "Connections now.", byRoute(listeners, ({ active }) => active)),
    gauge(
      "connections_superseded",
      "Connections now that are older than the last reload.",
      listeners.map(({ name, superseded }) => ({ labels: { listener: name }, value: superseded })),
    ),
    counter(
      "connections_rejected_total",
      "Connections turned away before their handshake.",
      byReason(listeners, LISTENER.rejected, USUAL_REJECTIONS),
    ),
    counter(
      "accept_pauses_total",
      "Times that accepting had to pause, since descriptors or memory had run out.",
      listeners.map(({ name, row }) => ({ labels: { listener: name }, value: row[LISTENER.acceptPauses] })),
    ),
    counter(
      "connections_closed_total",
      "Admitted connections that ended.",
      endings(listeners),
    ),
    counter(
      "bytes_total",
      "Decrypted bytes relayed: in from the client, out to it.",
      (["in", "out"] as const).flatMap((direction) => {
        const cell = direction === "in" ? "bytesIn" : "bytesOut";
        const samples = byRoute(listeners, ({ row }, kind) => row[kind[cell]]);
        return samples.map(({ labels, value }) => ({ labels: { ...labels, direction }, value }));
      }),
    ),
    histogram(
      "connection_duration_seconds",
      "Admitted connections from accept to end.",
      listeners.map(({ name, row }) => ({
        labels: { listener: name },
        histogram: readHistogram(row, LISTENER.connectionSeconds, DURATION_BUCKETS),
      })),
    ),
  ];
}

export function handshakeFamilies(listeners: ListenerTotals[]): MetricFamily[] {
  const cells = handshakeCells();
  const done = listeners.flatMap(({ name, row }) =>
    cells.map(({ result, version, offset }) => ({ labels: { listener: name, result, version }, value: row[offset] }))
  ).filter(({ value }) => value > 0);
  const failed = byReason(listeners, LISTENER.handshakesFailed, USUAL_HANDSHAKE_FAILURES).map(({ labels, value }) => ({
    labels: { listener: labels.listener, result: labels.reason, version: "unknown" },
    value,
  }));
  return [
    counter(
      "handshakes_total",
      'TLS handshakes; result is "full" or "resumed", "ok" where the engine cannot tell, else why it failed.',
      [...done, ...failed],
    ),
    histogram(
      "handshake_duration_seconds",
      "TLS handshakes that succeeded, from accept.",
      listeners.map(({ name, row }) => ({
        labels: { listener: name },
        histogram: readHistogram(row, LISTENER.handshakeSeconds, LATENCY_BUCKETS),
      })),
    ),
  ];
}

export function backendFamilies(listeners: ListenerTotals[]): MetricFamily[] {
  const backends = listeners.flatMap(({ name, backends }) =>
    backends.map(({ route, name: backend, row }) => ({ labels: { listener: name, route, backend }, row }))
  );
  return [
    histogram(
      "backend_connect_duration_seconds",
      "Connects to the backend that succeeded, retries included.",
      backends.map(({ labels, row }) => ({
        labels,
        histogram: readHistogram(row, BACKEND.connectSeconds, LATENCY_BUCKETS),
      })),
    ),
    counter(
      "backend_errors_total",
      "Attempts to connect to a backend that failed.",
      backends.flatMap(({ labels, row }) =>
        BACKEND_FAILURES.map((reason, i) => ({ labels: { ...labels, reason }, value: row[BACKEND.failures + i] }))
      ).filter(({ value, labels }) => value > 0 || labels.reason === "refused"),
    ),
  ];
}

/**
 * A number of each worker, of each route and of what has none (""), which is what the routes leave of the listener's.
 * @param value reads it, from a row of the kind that is given
 */
function byRoute(
  listeners: ListenerTotals[],
  value: (worker: WorkerTotals, kind: typeof LISTENER | typeof ROUTE) => number,
): Sample[] {
  return listeners.flatMap(({ name, workers, routes }) => {
    const routed = routes.flatMap((route) =>
      route.workers.map((worker) => ({
        labels: { listener: name, route: route.name, worker: String(worker.worker) },
        value: value(worker, ROUTE),
      }))
    );
    const taken = new Map<string, number>();
    for (const { labels: { worker }, value } of routed) taken.set(worker, (taken.get(worker) ?? 0) + value);
    const rest = workers.map((worker) => ({
      labels: { listener: name, route: "", worker: String(worker.worker) },
      value: value(worker, LISTENER) - (taken.get(String(worker.worker)) ?? 0),
    }));
    return [...rest, ...routed];
  });
}

/** The usual reasons, and those that occurred; of routes those alone, which may be many. */
function endings(listeners: ListenerTotals[]): Sample[] {
  return listeners.flatMap(({ name, row, routes }) =>
    REASONS.flatMap((reason, i) => {
      const routed = routes.map((route) => ({
        labels: { listener: name, route: route.name, reason },
        value: route.row[ROUTE.ended + i],
      })).filter(({ value }) => value > 0);
      const rest = row[LISTENER.ended + i] - routed.reduce((sum, { value }) => sum + value, 0);
      const own = rest > 0 || USUAL_ENDINGS.includes(reason)
        ? [{ labels: { listener: name, route: "", reason }, value: rest }]
        : [];
      return [...own, ...routed];
    })
  );
}

/** The usual reasons, and those that occurred. */
function byReason(listeners: ListenerTotals[], offset: number, usual: Reason[]): Sample[] {
  return listeners.flatMap(({ name, row }) =>
    REASONS.map((reason, i) => ({ reason, value: row[offset + i] }))
      .filter(({ reason, value }) => value > 0 || usual.includes(reason))
      .map(({ reason, value }) => ({ labels: { listener: name, reason }, value }))
  );
}
