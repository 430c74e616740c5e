/** A client's bytes per second, over the last 1, 10 and 60 seconds. */
export interface Rates {
  in1s: number;
  in10s: number;
  in60s: number;
  out1s: number;
  out10s: number;
  out60s: number;
}

/** A client's totals at one time. */
interface Reading {
  client: string;
  bytesIn: number;
  bytesOut: number;
}

/** How many readings are kept: the newest, and those of the 60 seconds before. */
const KEPT = 61;

export const NO_RATES: Rates = { in1s: 0, in10s: 0, in60s: 0, out1s: 0, out10s: 0, out60s: 0 };

/**
 * Rates of clients from a reading each second. Of clients without bytes in the last minute only the totals are kept.
 */
export class ClientRates {
  readonly #timesMs = new Float64Array(KEPT);
  #ticks = 0;
  #last = new Map<string, Reading>();
  readonly #histories = new Map<string, { in: Float64Array; out: Float64Array; changed: number }>();

  /** Takes a reading of every known client. */
  tick(readings: Reading[], nowMs: number): void {
    const at = this.#ticks % KEPT;
    this.#timesMs[at] = nowMs;
    const last = new Map<string, Reading>();
    for (const reading of readings) {
      last.set(reading.client, reading);
      const before = this.#last.get(reading.client);
      const moved = this.#ticks > 0 &&
        (before === undefined || before.bytesIn !== reading.bytesIn || before.bytesOut !== reading.bytesOut);
      let history = this.#histories.get(reading.client);
      if (history === undefined) {
        if (!moved) continue;
        // Bytes that it moved before it was known do not count for its rates.
        history = { in: new Float64Array(KEPT), out: new Float64Array(KEPT), changed: this.#ticks };
        history.in.fill(before?.bytesIn ?? 0);
        history.out.fill(before?.bytesOut ?? 0);
        this.#histories.set(reading.client, history);
      }
      if (moved) history.changed = this.#ticks;
      // A full table has forgotten the client in between, and counts its bytes from 0 again.
      if (before !== undefined && (reading.bytesIn < before.bytesIn || reading.bytesOut < before.bytesOut)) {
        history.in.fill(0);
        history.out.fill(0);
      }
      history.in[at] = reading.bytesIn;
      history.out[at] = reading.bytesOut;
    }
    for (const [client, { changed }] of this.#histories) {
      if (!last.has(client) || this.#ticks - changed >= KEPT) this.#histories.delete(client);
    }
    this.#last = last;
    this.#ticks++;
  }

  /** The rates as of the last reading. */
  of(client: string): Rates {
    const history = this.#histories.get(client);
    if (history === undefined || this.#ticks < 2) return NO_RATES;
    const newest = this.#ticks - 1;
    const rate = (numbers: Float64Array, seconds: number) => {
      const before = Math.max(0, newest - seconds);
      const elapsedMs = this.#timesMs[newest % KEPT] - this.#timesMs[before % KEPT];
      return elapsedMs <= 0 ? 0 : (numbers[newest % KEPT] - numbers[before % KEPT]) / elapsedMs * 1000;
    };
    return {
      in1s: rate(history.in, 1),
      in10s: rate(history.in, 10),
      in60s: rate(history.in, 60),
      out1s: rate(history.out, 1),
      out10s: rate(history.out, 10),
      out60s: rate(history.out, 60),
    };
  }
}
