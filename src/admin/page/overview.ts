/// <reference lib="dom" />
/** Makes the tables of the page: clients, listeners, workers, backends, errors, certificates. */
import type {
  BackendStats,
  ClientOrder,
  ClientsStats,
  ClientStats,
  ListenerStats,
  RouteStats,
  Stats,
  TrafficStats,
} from "../stats.ts";
import { secondsBetween, sumOf, type TrafficRates, trafficRates, workerTraffic } from "../traffic_rates.ts";
import { formatBytes, formatNumber, formatSeconds } from "../units.ts";
import { type Column, LABEL, makeTable, NAME } from "./tables.ts";

type ListenerRow = ListenerStats & { rate: TrafficRates };
type WorkerRow = TrafficStats & { name: string; rate: TrafficRates };
type RouteRow = RouteStats & { listener: string; rate: TrafficRates };
type BackendRow = BackendStats & { listener: string };
type ErrorRow = { listener: string; stage: string; reason: string; count: number; last: number | null };
type CertificateRow = Stats["certificates"][number] & { days: number; renewed: boolean };
type OrderRow = Stats["acme"][number] & { nowMs: number };

const DAY_MS = 86_400_000;
/** A certificate with fewer days left is highlighted. */
const WARN_DAYS = 30;
const BAD_DAYS = 7;

/** The proxy's order of clients for each column's title. */
const ORDERS: Record<string, ClientOrder> = {
  Active: "active",
  Opened: "opened",
  "In, total": "bytes",
  "Out, total": "bytes",
};

/** What the tables want to be asked of the proxy from now on. */
export interface Asking {
  /** The order by which the busiest clients are chosen. */
  reorder(order: ClientOrder): void;
  /** Whether more clients than usual are to be shown. */
  expand(all: boolean): void;
}

/** Makes the tables. */
export function makeTables(parent: HTMLElement, ask: Asking) {
  // What may be wrong stands above what is long. The first columns are those that a phone shows.
  const listeners = makeTable<ListenerRow>(parent, {
    title: "Listeners",
    wide: true,
    empty: "No listener.",
    columns: [
      { title: "Listener", look: NAME, show: ({ name }) => name },
      { title: "Active", show: ({ active }) => formatNumber(active) },
      { title: "In", show: ({ rate }) => bytesPerSecond(rate.in) },
      { title: "Out", show: ({ rate }) => bytesPerSecond(rate.out) },
      { title: "New", show: ({ rate }) => perSecond(rate.opened) },
      { title: "p50", show: ({ handshakeSeconds }) => formatSeconds(handshakeSeconds.p50) },
      { title: "p99", show: ({ handshakeSeconds }) => formatSeconds(handshakeSeconds.p99) },
      { title: "Handshakes", show: ({ handshakes }) => formatNumber(sumOf(handshakes)) },
      { title: "resumed", show: ({ handshakes }) => share(handshakes) },
      { title: "In, total", show: ({ bytesIn }) => formatBytes(bytesIn) },
      { title: "Out, total", show: ({ bytesOut }) => formatBytes(bytesOut) },
      { title: "Before reload", show: ({ superseded }) => formatNumber(superseded) },
      { title: "Engine", show: ({ engine }) => engine ?? "gone" },
    ],
  });
  const backends = makeTable<BackendRow>(parent, {
    title: "Backends",
    wide: true,
    empty: "No backend.",
    columns: [
      { title: "Backend", look: NAME, show: ({ name }) => name },
      {
        title: "State",
        show: ({ up }) => up === null ? "gone" : up ? "up" : "down",
        look: ({ up }) => up === false ? "bad" : "",
      },
      {
        title: "Errors",
        show: ({ errors }) =>
          Object.entries(errors).map(([reason, n]) => `${reason} ${formatNumber(n)}`).join(", ") || "0",
        look: ({ errors }) => sumOf(errors) > 0 ? "warn" : "",
      },
      { title: "Connects", show: ({ connects }) => formatNumber(connects) },
      { title: "p50", show: ({ connectSeconds }) => formatSeconds(connectSeconds.p50) },
      { title: "p99", show: ({ connectSeconds }) => formatSeconds(connectSeconds.p99) },
      { title: "Listener", look: LABEL, show: ({ listener }) => listener },
      { title: "Route", look: LABEL, show: ({ route }) => route || "–" },
    ],
  });
  const errors = makeTable<ErrorRow>(parent, {
    title: "Errors by reason",
    empty: "None so far.",
    sortedBy: "Count",
    columns: [
      { title: "Reason", look: NAME, show: ({ reason }) => reason, sort: ({ reason }) => reason },
      { title: "Count", show: ({ count }) => formatNumber(count), sort: ({ count }) => count },
      { title: "Each second", show: ({ last }) => perSecond(last), sort: ({ last }) => last ?? 0 },
      { title: "Listener", look: LABEL, show: ({ listener }) => listener, sort: ({ listener }) => listener },
    ],
  });
  const certificates = makeTable<CertificateRow>(parent, {
    title: "Certificates",
    empty: "No certificate.",
    columns: [
      { title: "Name", look: NAME, show: ({ name }) => name },
      {
        title: "Days left",
        show: ({ days }) => days < 0 ? "expired" : String(Math.floor(days)),
        look: ({ days, renewed }) => {
          // One that is renewed by itself may have few days left all its life.
          if (renewed) return days < 0 ? "bad" : "good";
          return days < BAD_DAYS ? "bad" : days < WARN_DAYS ? "warn" : "good";
        },
      },
      { title: "Expires", show: ({ notAfterMs }) => new Date(notAfterMs).toISOString().slice(0, 10) },
      { title: "Listener", look: LABEL, show: ({ listener }) => listener },
    ],
  });
  const clients = makeTable<ClientStats>(parent, {
    title: "Busiest clients",
    wide: true,
    empty: "No client yet.",
    sortedBy: "Out, 10 s",
    onExpand: ask.expand,
    onSort: (title) => ask.reorder(ORDERS[title] ?? "rate"),
    columns: [
      { title: "Client", look: NAME, show: ({ client }) => client, sort: ({ client }) => client },
      { title: "Active", show: ({ active }) => formatNumber(active), sort: ({ active }) => active },
      rate("In, 10 s", ({ in10s }) => in10s),
      rate("Out, 10 s", ({ out10s }) => out10s),
      rate("In, 1 s", ({ in1s }) => in1s),
      rate("Out, 1 s", ({ out1s }) => out1s),
      rate("In, 60 s", ({ in60s }) => in60s),
      rate("Out, 60 s", ({ out60s }) => out60s),
      bytes("In, total", ({ bytesIn }) => bytesIn),
      bytes("Out, total", ({ bytesOut }) => bytesOut),
      { title: "Opened", show: ({ opened }) => formatNumber(opened), sort: ({ opened }) => opened },
    ],
  });
  const routes = makeTable<RouteRow>(parent, {
    title: "Routes",
    wide: true,
    empty: "No route: every connection goes to its listener's own backend.",
    columns: [
      { title: "Route", look: NAME, show: ({ name }) => name, sort: ({ name }) => name },
      { title: "Active", show: ({ active }) => formatNumber(active), sort: ({ active }) => active },
      { title: "In", show: ({ rate }) => bytesPerSecond(rate.in) },
      { title: "Out", show: ({ rate }) => bytesPerSecond(rate.out) },
      { title: "New", show: ({ rate }) => perSecond(rate.opened) },
      { title: "Opened", show: ({ opened }) => formatNumber(opened), sort: ({ opened }) => opened },
      { title: "In, total", show: ({ bytesIn }) => formatBytes(bytesIn), sort: ({ bytesIn }) => bytesIn },
      { title: "Out, total", show: ({ bytesOut }) => formatBytes(bytesOut), sort: ({ bytesOut }) => bytesOut },
      { title: "Listener", look: LABEL, show: ({ listener }) => listener, sort: ({ listener }) => listener },
    ],
  });
  const workers = makeTable<WorkerRow>(parent, {
    title: "Workers",
    empty: "No worker.",
    columns: [
      { title: "Worker", look: NAME, show: ({ name }) => name },
      { title: "Active", show: ({ active }) => formatNumber(active) },
      { title: "New", show: ({ rate }) => perSecond(rate.opened) },
      { title: "In", show: ({ rate }) => bytesPerSecond(rate.in) },
      { title: "Out", show: ({ rate }) => bytesPerSecond(rate.out) },
      { title: "Total", show: ({ bytesIn, bytesOut }) => formatBytes(bytesIn + bytesOut) },
    ],
  });
  const orders = makeTable<OrderRow>(parent, {
    title: "Certificates by ACME",
    empty: "None is ordered.",
    columns: [
      { title: "Name", look: NAME, show: ({ name }) => name },
      {
        title: "State",
        show: ({ hasCertificate }) => hasCertificate ? "serves" : "none yet",
        look: ({ hasCertificate }) => hasCertificate ? "good" : "bad",
      },
      {
        title: "Next attempt",
        show: ({ nextAttemptMs, nowMs }) =>
          nextAttemptMs === 0
            ? "under way"
            : nextAttemptMs <= nowMs
            ? "now"
            : `in ${formatSeconds((nextAttemptMs - nowMs) / 1000)}`,
      },
      {
        title: "Last error",
        show: ({ lastError }) => lastError || "none",
        look: ({ lastError }) => lastError && "warn",
      },
    ],
  });

  return {
    update(stats: Stats, before: Stats | null, known: ClientsStats): void {
      const seconds = secondsBetween(stats, before);
      const earlier = new Map(before?.listeners.map((listener) => [listener.name, listener]));
      clients.update(known.clients, clientsNote(known));
      listeners.update(
        stats.listeners.map((now) => ({ ...now, rate: trafficRates(now, earlier.get(now.name), seconds) })),
      );
      routes.update(stats.listeners.flatMap((now) => routeRows(now, earlier.get(now.name), seconds)));
      workers.update(workerRows(stats, before, seconds));
      backends.update(
        stats.listeners.flatMap(({ name, backends }) => backends.map((one) => ({ ...one, listener: name })))
          .sort((a, b) => trouble(b) - trouble(a)),
      );
      errors.update(stats.listeners.flatMap((now) => errorRows(now, earlier.get(now.name), seconds, stats.orderly)));
      certificates.update(
        stats.certificates.map((one) => ({
          ...one,
          days: (one.notAfterMs - stats.timeMs) / DAY_MS,
          renewed: stats.acme.some(({ names }) => names.includes(one.name)),
        })).sort((a, b) => a.days - b.days),
      );
      orders.update(stats.acme.map((one) => ({ ...one, nowMs: stats.timeMs })));
    },
  };
}

/** Backends that are down come first, then those with errors. */
function trouble({ up, errors }: BackendRow): number {
  return up === false ? Number.MAX_SAFE_INTEGER : up === null ? -1 : sumOf(errors);
}

function rate(title: string, of: (client: ClientStats) => number): Column<ClientStats> {
  return { title, show: (client) => bytesPerSecond(of(client)), sort: of };
}

function bytes(title: string, of: (client: ClientStats) => number): Column<ClientStats> {
  return { title, show: (client) => formatBytes(of(client)), sort: of };
}

function clientsNote({ clients, known, bound, others }: ClientsStats): string {
  const notes: string[] = [];
  if (known > clients.length) notes.push(`${clients.length} of ${formatNumber(known)} clients that are told apart.`);
  if (bound > 0) {
    notes.push(
      `Whoever is not told apart moved at most ${formatBytes(bound)}; all of them together ${
        formatBytes(others.bytesIn + others.bytesOut)
      }.`,
    );
  }
  return notes.join(" ");
}

function routeRows(now: ListenerStats, before: ListenerStats | undefined, seconds: number): RouteRow[] {
  const earlier = new Map(before?.routes.map((route) => [route.name, route]));
  return now.routes.map((route) => ({
    ...route,
    listener: now.name,
    rate: trafficRates(route, earlier.get(route.name), seconds),
  }));
}

function workerRows(stats: Stats, before: Stats | null, seconds: number): WorkerRow[] {
  const earlier = workerTraffic(before?.listeners ?? []);
  return [...workerTraffic(stats.listeners)].map(([worker, traffic]) => ({
    name: String(worker),
    ...traffic,
    rate: trafficRates(traffic, earlier.get(worker), seconds),
  }));
}

function errorRows(
  now: ListenerStats,
  before: ListenerStats | undefined,
  seconds: number,
  orderly: readonly string[],
): ErrorRow[] {
  const rows = (stage: "ended" | "rejected") =>
    Object.entries(now[stage]).filter(([reason]) => stage === "rejected" || !orderly.includes(reason)).map((
      [reason, count],
    ) => ({
      listener: now.name,
      stage,
      reason,
      count,
      last: before && seconds > 0 ? (count - (before[stage][reason] ?? 0)) / seconds : null,
    }));
  return [...rows("rejected"), ...rows("ended")];
}

/** The share of handshakes that were resumed, where the engine tells. */
function share(handshakes: Record<string, number>): string {
  const of = (result: string) =>
    sumOf(Object.fromEntries(Object.entries(handshakes).filter(([name]) => name.startsWith(`${result} `))));
  const told = of("full") + of("resumed");
  return told === 0 ? "–" : `${Math.round(of("resumed") / told * 100)} %`;
}

function perSecond(value: number | null): string {
  return value === null ? "–" : `${formatNumber(value)}/s`;
}

function bytesPerSecond(value: number | null): string {
  return value === null ? "–" : `${formatBytes(value)}/s`;
}
