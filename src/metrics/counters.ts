/** The numbers of all workers together, in the main thread. What a worker counted is kept when it ends. */
import { REASONS } from "./reasons.ts";
import { BACKEND, LISTENER, type ListenerRows, type ListenerShape, mapRows, ROUTE } from "./rows.ts";

/** The numbers of a listener, or a route, in one worker index, over every worker that had it. */
export interface WorkerTotals {
  worker: number;
  row: Float64Array;
  /** Present connections. */
  active: number;
}

/** One route's numbers, as {@linkcode ROUTE} has them. */
interface RouteTotals {
  name: string;
  /** In the order of their indexes. */
  workers: WorkerTotals[];
  /** The sum over the workers. */
  row: Float64Array;
  active: number;
}

/** One listener's numbers, those of its routes included. */
export interface ListenerTotals extends RouteTotals {
  routes: RouteTotals[];
  /** Present connections that are older than the last reload. */
  superseded: number;
  /** `route` is "" for the listener's own. */
  backends: { route: string; name: string; row: Float64Array }[];
}

interface LiveWorker {
  worker: number;
  generation: number;
  listeners: ReturnType<typeof mapRows>;
}

/** What workers that have ended counted for a listener. */
interface Past {
  workers: Map<number, Float64Array>;
  routes: Map<string, Map<number, Float64Array>>;
  backends: Map<string, { route: string; name: string; row: Float64Array }>;
}

/** Former listeners, routes and backends that are kept by name; a reload may bring new names each time. */
const MAX_PAST = 256;
/** The name under which the numbers of all other former names are counted. */
const REMOVED = "(removed)";

/** Sums the rows of the workers, including those that have ended. */
export class Counters {
  readonly #live = new Map<number, LiveWorker>();
  readonly #past = new Map<string, Past>();
  #reloaded = 0;

  /** Follows a worker's rows of one generation. */
  add(id: number, worker: number, buffer: SharedArrayBuffer, listeners: ListenerShape[], generation: number): void {
    this.#live.set(id, { worker, generation, listeners: mapRows(buffer, listeners) });
  }

  /** A reload has ended: connections of the generations before this one are superseded. */
  reloaded(generation: number): void {
    this.#reloaded = generation;
  }

  /** Keeps what a worker that has ended counted, without its connections. */
  remove(id: number): void {
    const live = this.#live.get(id);
    if (!live) return;
    this.#live.delete(id);
    for (const rows of live.listeners) {
      const { name, row, routes, backends } = snapshot(rows);
      const past = this.#pastOf(name);
      addRow(past.workers, live.worker, row);
      for (const route of routes) addPastRoute(past, route.name, live.worker, route.row);
      for (const backend of backends) addPastBackend(past, backend);
      this.#foldFormer(past, rows);
    }
  }

  /**
   * Counts the oldest former routes and backends of a listener together. Those in use stay apart, of which there may be
   * thousands: their numbers would go back.
   * @param own of the worker that has ended; its names are in use where no other has the listener, since a worker that
   * dies is replaced
   */
  #foldFormer(past: Past, own: ListenerRows): void {
    if (past.routes.size <= MAX_PAST && past.backends.size <= MAX_PAST) return;
    const others = [...this.#live.values()].flatMap(({ listeners }) =>
      listeners.filter(({ name }) => name === own.name)
    );
    const inUse = others.length > 0 ? others : [own];
    const routes = new Set(inUse.flatMap(({ routes }) => routes.map(({ name }) => name)));
    const backends = new Set(inUse.flatMap(backendsOf).map(backendKey));
    for (const [, rows] of takeOldest(past.routes, routes)) {
      for (const [worker, row] of rows) addPastRoute(past, REMOVED, worker, row);
    }
    for (const [, { route, row }] of takeOldest(past.backends, backends)) {
      addPastBackend(past, { route: route === "" ? "" : REMOVED, name: REMOVED, row });
    }
  }

  /** Reads everything now. */
  totals(): ListenerTotals[] {
    const sums = new Map<string, ListenerSum>();
    const of = (name: string) => {
      let sum = sums.get(name);
      if (!sum) sums.set(name, sum = new ListenerSum(name));
      return sum;
    };
    for (const { worker, generation, listeners } of this.#live.values()) {
      for (const { name, row, routes, backends } of listeners.map(snapshot)) {
        const sum = of(name);
        const active = row[LISTENER.opened] - row[LISTENER.closed];
        addWorker(sum.totals, worker, row, active);
        if (generation < this.#reloaded) sum.totals.superseded += active;
        for (const route of routes) {
          addWorker(sum.route(route.name), worker, route.row, route.row[ROUTE.opened] - route.row[ROUTE.closed]);
        }
        for (const backend of backends) sum.addBackend(backend);
      }
    }
    for (const [name, { workers, routes, backends }] of this.#past) {
      const sum = of(name);
      for (const [worker, row] of workers) addWorker(sum.totals, worker, row, 0);
      for (const [route, rows] of routes) {
        for (const [worker, row] of rows) addWorker(sum.route(route), worker, row, 0);
      }
      for (const backend of backends.values()) sum.addBackend(backend);
    }
    const listeners = [...sums.values()].map(({ totals }) => totals);
    for (const { workers, routes } of listeners) {
      for (const list of [workers, ...routes.map((route) => route.workers)]) list.sort((a, b) => a.worker - b.worker);
    }
    return listeners;
  }

  #pastOf(name: string): Past {
    let past = this.#past.get(name);
    if (past) return past;
    // Names in use stay apart. The oldest of the others are counted together.
    const inUse = new Set([...this.#live.values()].flatMap(({ listeners }) => listeners.map(({ name }) => name)));
    for (const [old, numbers] of this.#past) {
      if (this.#past.size < MAX_PAST) break;
      if (old === REMOVED || inUse.has(old)) continue;
      this.#past.delete(old);
      const removed = this.#past.get(REMOVED) ?? { workers: new Map(), routes: new Map(), backends: new Map() };
      this.#past.set(REMOVED, removed);
      for (const [worker, row] of numbers.workers) addRow(removed.workers, worker, row);
      const together = removed.routes.get(REMOVED) ?? new Map<number, Float64Array>();
      for (const rows of numbers.routes.values()) {
        removed.routes.set(REMOVED, together);
        for (const [worker, row] of rows) addRow(together, worker, row);
      }
      for (const { route, row } of numbers.backends.values()) {
        addPastBackend(removed, { route: route === "" ? "" : REMOVED, name: REMOVED, row });
      }
    }
    this.#past.set(name, past = { workers: new Map(), routes: new Map(), backends: new Map() });
    return past;
  }
}

function addRow<Key>(rows: Map<Key, Float64Array>, key: Key, row: Float64Array): void {
  const sum = rows.get(key);
  if (sum) addNumbers(sum, row);
  else rows.set(key, new Float64Array(row));
}

function addNumbers(sum: Float64Array, row: Float64Array): void {
  for (let i = 0; i < row.length; i++) sum[i] += row[i];
}

/**
 * One listener's numbers now, with what its routes have added to its own: each is read once, so that what is left for
 * the listener alone never goes back.
 */
function snapshot({ name, row, routes, backends }: ListenerRows) {
  const sum = row.slice();
  const copies = routes.map((route) => ({ name: route.name, row: route.row.slice() }));
  for (const { row } of copies) {
    sum[LISTENER.closed] += row[ROUTE.closed];
    sum[LISTENER.bytesIn] += row[ROUTE.bytesIn];
    sum[LISTENER.bytesOut] += row[ROUTE.bytesOut];
    for (let i = 0; i < REASONS.length; i++) sum[LISTENER.ended + i] += row[ROUTE.ended + i];
  }
  return {
    name,
    row: sum,
    routes: copies,
    backends: backendsOf({ backends, routes }),
  };
}

/** The backends of a listener and its routes. */
function backendsOf({ backends, routes }: Pick<ListenerRows, "backends" | "routes">): BackendRow[] {
  return [
    ...backends.map((backend) => ({ route: "", ...backend })),
    ...routes.flatMap((route) => route.backends.map((backend) => ({ route: route.name, ...backend }))),
  ];
}

function emptyTotals(name: string, size: number): RouteTotals {
  return { name, workers: [], row: new Float64Array(size), active: 0 };
}

function addWorker(totals: RouteTotals, worker: number, row: Float64Array, active: number): void {
  let own = totals.workers.find((one) => one.worker === worker);
  if (!own) totals.workers.push(own = { worker, row: new Float64Array(row.length), active: 0 });
  addNumbers(own.row, row);
  own.active += active;
  addNumbers(totals.row, row);
  totals.active += active;
}

type BackendRow = ListenerTotals["backends"][number];

/** Adds up what one listener has; routes and backends are found at once, of which there may be thousands. */
class ListenerSum {
  readonly totals: ListenerTotals;
  readonly #routes = new Map<string, RouteTotals>();
  readonly #backends = new Map<string, BackendRow>();

  constructor(name: string) {
    this.totals = { ...emptyTotals(name, LISTENER.size), superseded: 0, routes: [], backends: [] };
  }

  route(name: string): RouteTotals {
    let route = this.#routes.get(name);
    if (!route) {
      this.#routes.set(name, route = emptyTotals(name, ROUTE.size));
      this.totals.routes.push(route);
    }
    return route;
  }

  addBackend({ route, name, row }: BackendRow): void {
    const key = backendKey({ route, name });
    let own = this.#backends.get(key);
    if (!own) {
      this.#backends.set(key, own = { route, name, row: new Float64Array(BACKEND.size) });
      this.totals.backends.push(own);
    }
    addNumbers(own.row, row);
  }
}

function backendKey({ route, name }: Pick<BackendRow, "route" | "name">): string {
  return `${route}\0${name}`;
}

function addPastRoute({ routes }: Past, name: string, worker: number, row: Float64Array): void {
  let workers = routes.get(name);
  if (workers === undefined) routes.set(name, workers = new Map());
  addRow(workers, worker, row);
}

function addPastBackend({ backends }: Past, backend: BackendRow): void {
  const key = backendKey(backend);
  const past = backends.get(key);
  if (past) addNumbers(past.row, backend.row);
  else backends.set(key, { ...backend, row: new Float64Array(backend.row) });
}

/** Takes the oldest out of what is not in use, as far as that is more than {@linkcode MAX_PAST}. */
function takeOldest<Value>(past: Map<string, Value>, inUse: Set<string>): [string, Value][] {
  const former = [...past].filter(([key]) => !inUse.has(key) && !key.endsWith(REMOVED));
  const oldest = former.slice(0, Math.max(0, former.length - MAX_PAST));
  for (const [key] of oldest) past.delete(key);
  return oldest;
}
