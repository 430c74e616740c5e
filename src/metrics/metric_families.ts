/** Every metric, as plain data. The names must not change, because dashboards and alerts of users depend on them. */
import { DURATION_BUCKETS, type Histogram, LATENCY_BUCKETS, readHistogram } from "./buckets.ts";
import type { ListenerTotals, WorkerTotals } from "./counters.ts";
import type { MetricSources } from "./sources.ts";
import { handshakeCells } from "./rows.ts";
import { readProcessStats } from "./process_stats.ts";
import { describeReason, type Reason, REASONS, reasonsOf } from "./reasons.ts";
import { BACKEND, BACKEND_FAILURES, LISTENER, ROUTE } from "./rows.ts";

/** The values of labels by their names. */
export type Labels = Record<string, string>;

/** One metric with its values now. */
export type MetricFamily =
  & { name: string; help: string }
  & (
    | { type: "counter" | "gauge"; samples: { labels: Labels; value: number }[] }
    | { type: "histogram"; samples: { labels: Labels; histogram: Histogram }[] }
  );

/**
 * Reasons whose series exist from the start, so that the first increase is seen. Other series begin with a connection.
 */
const USUAL_REJECTIONS = reasonsOf("accept");
const USUAL_HANDSHAKE_FAILURES = reasonsOf("handshake");
const USUAL_ENDINGS = REASONS.filter((reason) => describeReason(reason).stage !== "accept");

const PREFIX = "tls_off_";

/**
 * All metrics now.
 * @param topClients how many clients are told apart
 */
export function metricFamilies(sources: MetricSources, topClients: number): MetricFamily[] {
  const listeners = sources.counters.totals();
  return [
    ...connectionFamilies(listeners),
    ...handshakeFamilies(listeners),
    ...backendFamilies(listeners),
    ...healthFamilies(sources),
    ...clientFamilies(sources, topClients),
    ...ownFamilies(sources),
    ...acmeFamilies(sources),
    ...redirectFamilies(sources),
    ...processFamilies(sources),
  ];
}

function connectionFamilies(listeners: ListenerTotals[]): MetricFamily[] {
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

function handshakeFamilies(listeners: ListenerTotals[]): MetricFamily[] {
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

function backendFamilies(listeners: ListenerTotals[]): MetricFamily[] {
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

function healthFamilies({ backends: { states } }: MetricSources): MetricFamily[] {
  return [
    gauge(
      "backend_up",
      "1 where the backend is well by its probes, or without probes by the last connect; else 0.",
      states.map(({ listener, route, backend, isUp }) => ({
        labels: { listener, route, backend },
        value: isUp ? 1 : 0,
      })),
    ),
    counter(
      "backend_checks_total",
      'Probes of backends; result is "ok" or "failed".',
      states.flatMap(({ listener, route, backend, checks }) =>
        checks === null ? [] : (["ok", "failed"] as const).map((result) => ({
          labels: { listener, route, backend, result },
          value: checks[result],
        }))
      ),
    ),
  ];
}

function clientFamilies(sources: MetricSources, topClients: number): MetricFamily[] {
  const { clients } = sources.clients.snapshot();
  clients.sort((a, b) => b.bytesIn + b.bytesOut - a.bytesIn - a.bytesOut);
  const top = clients.slice(0, topClients).map((client) => ({ ...client, client: clientLabel(client.client) }));
  return [
    counter(
      "client_bytes_total",
      "Decrypted bytes of the busiest clients; a client that leaves them may come back with less.",
      top.flatMap(({ client, bytesIn, bytesOut }) => [
        { labels: { client, direction: "in" }, value: bytesIn },
        { labels: { client, direction: "out" }, value: bytesOut },
      ]),
    ),
    gauge(
      "client_connections_active",
      "Connections now of the busiest clients.",
      top.map(({ client, active }) => ({ labels: { client }, value: active })),
    ),
  ];
}

function acmeFamilies({ acme }: MetricSources): MetricFamily[] {
  if (acme === null) return [];
  return [
    gauge(
      "acme_next_attempt_timestamp_seconds",
      "When a certificate is ordered next; 0 while it is.",
      acme.statuses.map(({ name, nextAttemptMs }) => ({ labels: { name }, value: nextAttemptMs / 1000 })),
    ),
    counter("acme_orders_total", "Orders of certificates.", [
      { labels: { result: "ok" }, value: acme.orders.ok },
      { labels: { result: "failed" }, value: acme.orders.failed },
    ]),
  ];
}

function redirectFamilies({ redirect: { active, rejected, answers } }: MetricSources): MetricFamily[] {
  if (active === 0 && rejected === 0 && answers.size === 0) return [];
  const samples = [...answers].map(([status, value]) => ({ labels: { status: String(status) }, value }));
  return [
    gauge("redirect_connections_active", "Connections of [redirect] now.", one(active)),
    counter("redirect_connections_rejected_total", "Connections of [redirect] above its limit.", one(rejected)),
    counter("redirect_requests_total", "Plain HTTP requests that were answered, by status.", samples),
  ];
}

function ownFamilies(sources: MetricSources): MetricFamily[] {
  const { certificates, reloads, options, engines, entries } = sources;
  // Of several lists of one issuer, only the latest counts, which is the one that is current for longest.
  const lists = [
    ...new Map(
      [...sources.revocationLists].sort((a, b) => a.nextUpdateMs - b.nextUpdateMs)
        .map((list) => [`${list.listener}\0${list.issuer}`, list]),
    ).values(),
  ];
  const certificateSamples = new Map<string, { labels: Labels; value: number }>();
  for (const { listener, name, notAfterMs } of certificates) {
    const value = notAfterMs / 1000;
    const known = certificateSamples.get(`${listener}\0${name}`);
    // Two certificates may have the same name, such as an RSA and an ECDSA one. The earlier expiry is shown.
    if (known === undefined || value < known.value) {
      certificateSamples.set(`${listener}\0${name}`, { labels: { listener, name }, value });
    }
  }
  return [
    gauge("certificate_expiry_timestamp_seconds", "When the certificate expires.", [...certificateSamples.values()]),
    gauge(
      "client_revocation_list_next_update_timestamp_seconds",
      "Until when the revocation list of clients' certificates is current.",
      lists.map(({ listener, issuer, nextUpdateMs }) => ({ labels: { listener, issuer }, value: nextUpdateMs / 1000 })),
    ),
    gauge(
      "client_revocation_list_entries",
      "Certificates that the revocation list names.",
      lists.map(({ listener, issuer, entries }) => ({ labels: { listener, issuer }, value: entries })),
    ),
    counter("reloads_total", "Reloads of the configuration.", [
      { labels: { result: "ok" }, value: reloads.ok },
      { labels: { result: "failed" }, value: reloads.failed },
    ]),
    counter("worker_restarts_total", "Workers that died and were replaced.", one(sources.workerRestarts)),
    counter("log_records_dropped_total", "Log records lost because no output took them.", one(options.log.dropped)),
    counter(
      "log_records_diverted_total",
      "Log records that went to standard error because their own place did not take them.",
      one(options.log.diverted),
    ),
    counter(
      "log_records_suppressed_total",
      "Records of connections turned away that were too many to log.",
      one(entries.suppressed),
    ),
    gauge(
      "build_info",
      "Version, runtime and engines.",
      [...new Set(engines.values())].map((engine) => ({
        labels: { version: options.version, runtime: options.runtime, engine },
        value: 1,
      })),
    ),
  ];
}

/** The metrics of the process, which have the names of Prometheus' client libraries, without the program's prefix. */
function processFamilies({ startedMs, openFiles }: MetricSources): MetricFamily[] {
  const stats = readProcessStats(openFiles);
  const families: MetricFamily[] = [
    {
      name: "process_cpu_seconds_total",
      help: "User and system CPU time, all threads.",
      type: "counter",
      samples: one(stats.cpuSeconds),
    },
    {
      name: "process_resident_memory_bytes",
      help: "Resident memory.",
      type: "gauge",
      samples: one(stats.residentBytes),
    },
    {
      name: "process_start_time_seconds",
      help: "When the process started.",
      type: "gauge",
      samples: one(startedMs / 1000),
    },
  ];
  if (stats.openFds !== undefined) {
    families.push({ name: "process_open_fds", help: "Open descriptors.", type: "gauge", samples: one(stats.openFds) });
  }
  if (stats.maxFds !== undefined && Number.isFinite(stats.maxFds)) {
    families.push({
      name: "process_max_fds",
      help: "Limit of open descriptors.",
      type: "gauge",
      samples: one(stats.maxFds),
    });
  }
  return families;
}

function counter(name: string, help: string, samples: { labels: Labels; value: number }[]): MetricFamily {
  return { name: PREFIX + name, help, type: "counter", samples };
}

function gauge(name: string, help: string, samples: { labels: Labels; value: number }[]): MetricFamily {
  return { name: PREFIX + name, help, type: "gauge", samples };
}

function histogram(name: string, help: string, samples: { labels: Labels; histogram: Histogram }[]): MetricFamily {
  return { name: PREFIX + name, help, type: "histogram", samples };
}

function one(value: number): { labels: Labels; value: number }[] {
  return [{ labels: {}, value }];
}

/**
 * A number of each worker, of each route and of what has none (""), which is what the routes leave of the listener's.
 * @param value reads it, from a row of the kind that is given
 */
function byRoute(
  listeners: ListenerTotals[],
  value: (worker: WorkerTotals, kind: typeof LISTENER | typeof ROUTE) => number,
): { labels: Labels; value: number }[] {
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
function endings(listeners: ListenerTotals[]): { labels: Labels; value: number }[] {
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
function byReason(listeners: ListenerTotals[], offset: number, usual: Reason[]): { labels: Labels; value: number }[] {
  return listeners.flatMap(({ name, row }) =>
    REASONS.map((reason, i) => ({ reason, value: row[offset + i] }))
      .filter(({ reason, value }) => value > 0 || usual.includes(reason))
      .map(({ reason, value }) => ({ labels: { listener: name, reason }, value }))
  );
}

/** The label of a client. One on a Unix socket has no address. */
export function clientLabel(client: string): string {
  return client === "" ? "unix" : client;
}
