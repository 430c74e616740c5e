/** Every metric, as plain data. The names must not change, because dashboards and alerts of users depend on them. */
import { backendFamilies, connectionFamilies, handshakeFamilies } from "./connection_families.ts";
import { counter, gauge, type Labels, type MetricFamily, one } from "./metric_family.ts";
import { processFamilies } from "./process_families.ts";
import type { MetricSources } from "./sources.ts";

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

/** The label of a client. One on a Unix socket has no address. */
export function clientLabel(client: string): string {
  return client === "" ? "unix" : client;
}
