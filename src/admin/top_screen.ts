/** Writes the screen of `tls-off top` as lines of text. */
import { escapeControls } from "../log/fields.ts";
import type { ClientOrder, ClientsStats, RouteStats, Stats, TrafficStats } from "./stats.ts";
import { secondsBetween, sumOf, type TrafficRates, trafficRates, workerTraffic } from "./traffic_rates.ts";
import { isOrderly } from "../metrics/reasons.ts";
import type { AcmeCertificate } from "../metrics/sources.ts";
import { formatBytes, formatNumber, formatSeconds } from "./units.ts";

/** Two readings, and how to show them. */
export interface TopView {
  stats: Stats;
  before: Stats | null;
  clients: ClientsStats;
  order: ClientOrder;
  /** Characters and lines of the terminal; `null` for no limit. */
  size: { columns: number; rows: number } | null;
  colors: boolean;
  /** The last line; `null` for none. */
  help: string | null;
}

const BOLD = "1";
const DIM = "2";
const GREEN = "32";
const YELLOW = "33";

const ORDER_TITLES: Record<ClientOrder, string> = {
  rate: "bytes each second",
  bytes: "bytes in total",
  active: "active connections",
  opened: "connections in total",
};

/** The width of ", draining". */
const STATE_WIDTH = 10;
const DAY_MS = 86_400_000;
const WARN_DAYS = 30;
const MAX_ROUTES = 10;
/** Between columns and figures. */
const GAP = "  ";
/** To how many characters the names of a narrow terminal are cut at most. */
const SHORTEST_NAME = 12;

/** Writes the screen: no line is longer, and there are no more of them, than fits. */
export function renderTop(view: TopView): string[] {
  const { stats, clients, size, help } = view;
  const paint = (code: string, text: string) => view.colors ? `\x1b[${code}m${text}\x1b[0m` : text;
  const head = (text: string) => paint(BOLD, text);
  const above = [
    ...summary(view, paint),
    "",
    ...table(
      head,
      size,
      ["LISTENER", "ACTIVE", "NEW", "IN", "OUT", "IN TOTAL", "OUT TOTAL", "P50", "P99"],
      listeners(view),
      ["IN TOTAL", "OUT TOTAL", "P50", "NEW"],
    ),
    "",
    ...(stats.listeners.some(({ routes }) => routes.length > 0)
      ? [
        ...table(
          head,
          size,
          ["LISTENER", "ROUTE", "ACTIVE", "NEW", "IN", "OUT", "IN TOTAL", "OUT TOTAL"],
          routes(view),
          ["IN TOTAL", "OUT TOTAL", "NEW"],
        ),
        "",
      ]
      : []),
    ...(stats.listeners.some(({ workers }) => workers.length > 1)
      ? [...table(head, size, ["WORKER", "ACTIVE", "NEW", "IN", "OUT", "TOTAL"], workers(view)), ""]
      : []),
    ...notes(stats, size, paint),
  ];
  const title = fit(`Clients by ${ORDER_TITLES[view.order]}, ${clients.clients.length} of ${clients.known}`, size);
  const room = size ? Math.max(0, size.rows - above.length - 2 - (help === null ? 0 : 1)) : Infinity;
  const header = ["CLIENT", "ACTIVE", "OPENED", "IN 1s", "OUT 1s", "IN 10s", "OUT 10s", "IN TOTAL", "OUT TOTAL"];
  const lines = [
    ...above,
    paint(DIM, title),
    ...table(head, size, header, clientRows(clients).slice(0, room), ["OPENED", "IN 1s", "OUT 1s", "IN TOTAL"]),
  ];
  const shown = size ? lines.slice(0, size.rows - (help === null ? 0 : 1)) : lines;
  return help === null ? shown : [...shown, paint(DIM, fit(help, size))];
}

type Paint = (code: string, text: string) => string;

function summary({ stats, size }: TopView, paint: Paint): string[] {
  const { now } = stats;
  const state = stats.draining ? paint(YELLOW, "draining") : paint(GREEN, "serving");
  const uptime = formatSeconds(Math.round((stats.timeMs - stats.startedMs) / 1000));
  const active = stats.listeners.reduce((sum, { active }) => sum + active, 0);
  const figures = [
    `in ${formatBytes(now?.in ?? 0)}/s`,
    `out ${formatBytes(now?.out ?? 0)}/s`,
    `active ${formatNumber(active)}`,
    `new ${formatNumber(now?.opened ?? 0)}/s`,
    `failed ${formatNumber(now?.errors ?? 0)}/s`,
    `handshake p99 ${formatSeconds(now?.handshakeP99 ?? null)}`,
    `connect p99 ${formatSeconds(now?.connectP99 ?? null)}`,
  ];
  const about = `tls-off ${stats.version} on ${stats.runtime}, up ${uptime}`;
  const room = size && { ...size, columns: size.columns - STATE_WIDTH };
  const title = room && room.columns < 0 ? fit(about, size) : `${fit(about, room)}, ${state}`;
  return [title, ...wrap(figures, size)];
}

/** Puts figures into as few lines as they fit in, two at most: a narrow terminal loses none of them. */
function wrap(figures: string[], size: TopView["size"]): string[] {
  const line = figures.join(GAP);
  if (size === null || [...line].length <= size.columns) return [fit(line, size)];
  const half = Math.ceil(figures.length / 2);
  return [figures.slice(0, half), figures.slice(half)].map((some) => fit(some.join(GAP), size));
}

function listeners({ stats, before }: TopView): string[][] {
  const seconds = secondsBetween(stats, before);
  const earlier = new Map(before?.listeners.map((listener) => [listener.name, listener]));
  return stats.listeners.map((now) => {
    const rates = trafficRates(now, earlier.get(now.name), seconds);
    return [
      now.name,
      ...trafficCells(now, rates),
      formatSeconds(now.handshakeSeconds.p50),
      formatSeconds(now.handshakeSeconds.p99),
    ];
  });
}

/** The busiest first, as many as a screen has room for beside the rest. */
function routes({ stats, before }: TopView): string[][] {
  const seconds = secondsBetween(stats, before);
  const earlier = new Map(before?.listeners.map((listener) => [listener.name, listener.routes]));
  const rows = stats.listeners.flatMap(({ name, routes }) => routes.map((route) => ({ listener: name, route })));
  rows.sort((a, b) => b.route.active - a.route.active || weigh(b.route) - weigh(a.route));
  return rows.slice(0, MAX_ROUTES).map(({ listener, route }) => {
    const rates = trafficRates(route, earlier.get(listener)?.find(({ name }) => name === route.name), seconds);
    return [listener, route.name, ...trafficCells(route, rates)];
  });
}

/** The columns that listeners and routes have in common: connections now, rates, and totals. */
function trafficCells({ active, bytesIn, bytesOut }: TrafficStats, rates: TrafficRates): string[] {
  return [
    formatNumber(active),
    perSecond(rates.opened, formatNumber),
    perSecond(rates.in, formatBytes),
    perSecond(rates.out, formatBytes),
    formatBytes(bytesIn),
    formatBytes(bytesOut),
  ];
}

function weigh({ bytesIn, bytesOut }: RouteStats): number {
  return bytesIn + bytesOut;
}

function workers({ stats, before }: TopView): string[][] {
  const seconds = secondsBetween(stats, before);
  const earlier = workerTraffic(before?.listeners ?? []);
  return [...workerTraffic(stats.listeners)].map(([worker, now]) => {
    const rates = trafficRates(now, earlier.get(worker), seconds);
    return [
      String(worker),
      formatNumber(now.active),
      perSecond(rates.opened, formatNumber),
      perSecond(rates.in, formatBytes),
      perSecond(rates.out, formatBytes),
      formatBytes(now.bytesIn + now.bytesOut),
    ];
  });
}

/** Lines about what may need attention: failures by reason, errors of backends, certificates that expire soon. */
function notes(stats: Stats, size: TopView["size"], paint: Paint): string[] {
  const lines: string[] = [];
  for (const { name, acceptPauses, ended, rejected, backends } of stats.listeners) {
    if (acceptPauses > 0) lines.push(`${name}: accepting paused ${acceptPauses} times, out of descriptors or memory`);
    const failed = Object.entries({ ...rejected, ...ended }).filter(([reason]) => !isOrderly(reason));
    if (failed.length > 0) lines.push(`${name}: ${failed.map(([reason, count]) => `${reason} ${count}`).join(", ")}`);
    for (const backend of backends) {
      if (backend.up === false) {
        lines.push(
          `${name}: backend ${backend.name}${backend.route === "" ? "" : ` of route ${backend.route}`} is down`,
        );
      }
      if (sumOf(backend.errors) === 0) continue;
      const errors = Object.entries(backend.errors).map(([reason, count]) => `${reason} ${count}`).join(", ");
      const route = backend.route === "" ? "" : ` route ${backend.route}:`;
      lines.push(`${name}:${route} backend ${backend.name}: ${errors}`);
    }
  }
  const failures = lines.map((line) => fit(line, size));
  const ordering = stats.acme.filter(({ lastError, hasCertificate }) => lastError !== "" || !hasCertificate).map((
    one,
  ) => paint(YELLOW, fit(describeOrder(one, stats.timeMs), size)));
  // Those that are renewed by themselves may have few days left all their life.
  const renewed = new Set(stats.acme.flatMap(({ names }) => names));
  const expiring = stats.certificates
    .map(({ listener, name, notAfterMs }) => ({ listener, name, days: (notAfterMs - stats.timeMs) / DAY_MS }))
    .filter(({ name, days }) => days < (renewed.has(name) ? 0 : WARN_DAYS))
    .map(({ listener, name, days }) => {
      const when = days < 0 ? "has expired" : `expires in ${Math.floor(days)} days`;
      return paint(YELLOW, fit(`${listener}: certificate ${name} ${when}`, size));
    });
  const all = [...ordering, ...expiring, ...failures];
  return all.length === 0 ? [] : [...all, ""];
}

function describeOrder({ name, nextAttemptMs, lastError }: AcmeCertificate, nowMs: number): string {
  const next = nextAttemptMs === 0 ? "an attempt is under way" : `next attempt ${formatWait(nextAttemptMs - nowMs)}`;
  return `certificate ${name}: ${lastError === "" ? "" : `${lastError}; `}${next}`;
}

function formatWait(waitMs: number): string {
  return waitMs < 1_000 ? "now" : `in ${formatSeconds(Math.round(waitMs / 1_000))}`;
}

function clientRows({ clients }: ClientsStats): string[][] {
  return clients.map((client) => [
    client.client,
    formatNumber(client.active),
    formatNumber(client.opened),
    perSecond(client.in1s, formatBytes),
    perSecond(client.out1s, formatBytes),
    perSecond(client.in10s, formatBytes),
    perSecond(client.out10s, formatBytes),
    formatBytes(client.bytesIn),
    formatBytes(client.bytesOut),
  ]);
}

function perSecond(value: number | null, format: (value: number) => string): string {
  return value === null ? "-" : `${format(value)}/s`;
}

/**
 * Writes rows in columns that are as wide as their widest cell. The first is left-aligned, the numbers right-aligned.
 * @param spared titles of the columns that a narrow terminal goes without, in that order; then names are cut
 */
function table(
  head: (text: string) => string,
  size: TopView["size"],
  titles: string[],
  rows: string[][],
  spared: string[] = [],
): string[] {
  const cells = [titles, ...rows].map((row) => row.map(escapeControls));
  const widths = titles.map((_, i) => Math.max(...cells.map((row) => [...row[i]].length)));
  const columns = new Set(titles.keys());
  const excess = () =>
    size === null ? 0 : [...columns].reduce((sum, i) => sum + widths[i] + GAP.length, -GAP.length) - size.columns;
  for (const title of spared) if (excess() > 0) columns.delete(titles.indexOf(title));
  if (excess() > 0) widths[0] = Math.max(Math.min(widths[0], SHORTEST_NAME), widths[0] - excess());
  const lines = cells.map((row) => {
    const name = [...row[0]].length > widths[0] ? `${[...row[0]].slice(0, widths[0] - 1).join("")}…` : row[0];
    const written = [...columns].map((i) => i === 0 ? name.padEnd(widths[0]) : row[i].padStart(widths[i]));
    return fit(written.join(GAP), size);
  });
  return [head(lines[0]), ...lines.slice(1)];
}

function fit(line: string, size: TopView["size"]): string {
  return size ? [...escapeControls(line)].slice(0, size.columns).join("") : escapeControls(line);
}
