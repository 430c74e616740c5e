/** The clients of all workers together, in the main thread: their totals, and the bounds of the errors. */
import { type ClientNumbers, ClientTableReader } from "./client_table.ts";

/** A client's numbers over all workers, including those that have ended. */
interface ClientTotals extends ClientNumbers {
  client: string;
}

/** Every known client. */
interface ClientsSnapshot {
  clients: ClientTotals[];
  /** Most bytes that a client may have moved that is not listed. */
  bound: number;
  /** The sums over all clients that are not listed. */
  others: { bytesIn: number; bytesOut: number; opened: number };
}

/** Merges the workers' tables. It keeps as many clients as the live tables and one more table can hold. */
export class Clients {
  readonly #tables = new Map<number, ClientTableReader>();
  /** The clients of the tables of workers that have ended. */
  #past = new Map<string, ClientTotals>();
  /** The weight up to which a client may be missing from `#past`. */
  #pastBound = 0;
  readonly #pastOthers = { bytesIn: 0, bytesOut: 0, opened: 0 };

  constructor(private readonly capacity: number) {}

  /** Follows the table of a worker. */
  add(id: number, buffer: SharedArrayBuffer): void {
    this.#tables.set(id, new ClientTableReader(buffer, this.capacity));
  }

  /** Keeps what the table of a worker that has ended counted, without its connections. */
  remove(id: number): void {
    const table = this.#tables.get(id);
    if (!table) return;
    this.#tables.delete(id);
    const seen = new Set<string>();
    const bound = table.read((client, numbers) => {
      seen.add(client);
      const past = this.#past.get(client) ?? { ...empty(client), error: this.#pastBound };
      add(past, numbers);
      past.active = 0;
      this.#past.set(client, past);
    });
    for (const past of this.#past.values()) if (!seen.has(past.client)) past.error += bound;
    this.#pastBound += bound;
    addTo(this.#pastOthers, table.forgotten);
    if (this.#past.size > this.capacity) this.#prune();
  }

  /** Reads all tables now. */
  snapshot(): ClientsSnapshot {
    const merged = new Map<string, ClientTotals>();
    // For each client the sum of the bounds of those tables that list it. Its error is the sum of the other bounds.
    const known = new Map<string, number>();
    for (const past of this.#past.values()) {
      merged.set(past.client, { ...past });
      known.set(past.client, this.#pastBound);
    }
    let bound = this.#pastBound;
    const others = { ...this.#pastOthers };
    for (const table of this.#tables.values()) {
      const clients: string[] = [];
      const lightest = table.read((client, numbers) => {
        let totals = merged.get(client);
        if (!totals) merged.set(client, totals = empty(client));
        add(totals, numbers);
        clients.push(client);
      });
      for (const client of clients) known.set(client, (known.get(client) ?? 0) + lightest);
      bound += lightest;
      addTo(others, table.forgotten);
    }
    for (const totals of merged.values()) totals.error += bound - known.get(totals.client)!;
    return { clients: [...merged.values()], bound, others };
  }

  #prune(): void {
    const sorted = [...this.#past.values()].sort((a, b) => weight(b) - weight(a));
    for (const dropped of sorted.slice(this.capacity)) {
      this.#pastBound = Math.max(this.#pastBound, weight(dropped));
      addTo(this.#pastOthers, dropped);
    }
    this.#past = new Map(sorted.slice(0, this.capacity).map((totals) => [totals.client, totals]));
  }
}

function weight({ bytesIn, bytesOut, error }: ClientNumbers): number {
  return bytesIn + bytesOut + error;
}

function empty(client: string): ClientTotals {
  return { client, bytesIn: 0, bytesOut: 0, active: 0, opened: 0, error: 0 };
}

function add(totals: ClientTotals, numbers: ClientNumbers): void {
  totals.bytesIn += numbers.bytesIn;
  totals.bytesOut += numbers.bytesOut;
  totals.active += numbers.active;
  totals.opened += numbers.opened;
  totals.error += numbers.error;
}

function addTo(others: ClientsSnapshot["others"], numbers: ClientNumbers): void {
  others.bytesIn += numbers.bytesIn;
  others.bytesOut += numbers.bytesOut;
  others.opened += numbers.opened;
}
