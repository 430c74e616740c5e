/** The numbers of all workers together, in the main thread. What a worker counted is kept when it ends. */
import { BACKEND, LISTENER, type ListenerShape, mapRows } from "./rows.ts";

/** A listener's numbers under one worker index, summed over every worker that had this index. */
interface WorkerTotals {
  worker: number;
  row: Float64Array;
  /** Present connections. */
  active: number;
}

/** A listener's numbers. */
export interface ListenerTotals {
  name: string;
  /** In the order of their indexes. */
  workers: WorkerTotals[];
  /** The sum over the workers. */
  row: Float64Array;
  active: number;
  backends: { name: string; row: Float64Array }[];
}

interface LiveWorker {
  worker: number;
  listeners: ReturnType<typeof mapRows>;
}

/** What workers that have ended counted for a listener. */
interface Past {
  workers: Map<number, Float64Array>;
  backends: Map<string, Float64Array>;
}

/** How many names of former listeners and backends are kept. Each reload may bring new names. */
const MAX_PAST = 256;
/** The name under which the numbers of all other former names are counted. */
const REMOVED = "(removed)";

/** Sums the rows of the workers, including those that have ended. */
export class Counters {
  readonly #live = new Map<number, LiveWorker>();
  readonly #past = new Map<string, Past>();

  /** Follows a worker's rows. */
  add(id: number, worker: number, buffer: SharedArrayBuffer, listeners: ListenerShape[]): void {
    this.#live.set(id, { worker, listeners: mapRows(buffer, listeners) });
  }

  /** Keeps what a worker that has ended counted, without its connections. */
  remove(id: number): void {
    const live = this.#live.get(id);
    if (!live) return;
    this.#live.delete(id);
    for (const { name, row, backends } of live.listeners) {
      const past = this.#pastOf(name);
      addRow(past.workers, live.worker, row);
      for (const backend of backends) {
        const known = past.backends.has(backend.name) || past.backends.size < MAX_PAST;
        addRow(past.backends, known ? backend.name : REMOVED, backend.row);
      }
    }
  }

  /** Reads everything now. */
  totals(): ListenerTotals[] {
    const listeners = new Map<string, ListenerTotals>();
    const of = (name: string) => {
      let totals = listeners.get(name);
      if (!totals) {
        totals = { name, workers: [], row: new Float64Array(LISTENER.size), active: 0, backends: [] };
        listeners.set(name, totals);
      }
      return totals;
    };
    for (const { worker, listeners: rows } of this.#live.values()) {
      for (const { name, row, backends } of rows) {
        addWorker(of(name), worker, row, row[LISTENER.opened] - row[LISTENER.closed]);
        for (const backend of backends) addBackend(of(name), backend.name, backend.row);
      }
    }
    for (const [name, { workers, backends }] of this.#past) {
      for (const [worker, row] of workers) addWorker(of(name), worker, row, 0);
      for (const [backend, row] of backends) addBackend(of(name), backend, row);
    }
    for (const { workers } of listeners.values()) workers.sort((a, b) => a.worker - b.worker);
    return [...listeners.values()];
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
      const removed = this.#past.get(REMOVED) ?? { workers: new Map(), backends: new Map() };
      this.#past.set(REMOVED, removed);
      for (const [worker, row] of numbers.workers) addRow(removed.workers, worker, row);
      for (const row of numbers.backends.values()) addRow(removed.backends, REMOVED, row);
    }
    this.#past.set(name, past = { workers: new Map(), backends: new Map() });
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

function addWorker(totals: ListenerTotals, worker: number, row: Float64Array, active: number): void {
  let own = totals.workers.find((one) => one.worker === worker);
  if (!own) totals.workers.push(own = { worker, row: new Float64Array(LISTENER.size), active: 0 });
  addNumbers(own.row, row);
  own.active += active;
  addNumbers(totals.row, row);
  totals.active += active;
}

function addBackend(totals: ListenerTotals, name: string, row: Float64Array): void {
  let own = totals.backends.find((one) => one.name === name);
  if (!own) totals.backends.push(own = { name, row: new Float64Array(BACKEND.size) });
  addNumbers(own.row, row);
}
