import type { Balance } from "../config/config.ts";
import type { Address } from "../net/address.ts";

const FIRST_COOL_DOWN_MS = 1_000;
const LONGEST_COOL_DOWN_MS = 30_000;
/** One connection tries a backend that has cooled down; the others wait this long for how that goes. */
const TRIAL_MS = 5_000;

/** One application that connections can go to. */
export interface Backend {
  readonly address: Address;
  /** The label in logs and metrics. */
  readonly name: string;
  /** Connections of this worker now. */
  active: number;
  /** Failed connects in a row. */
  failures: number;
  /** `performance.now()` time until which others are preferred. */
  coolingUntil: number;
  /** `performance.now()` time until which one connection tries whether it has come back. */
  trialUntil: number;
}

/** Chooses among the backends of a listener; one that refuses cools down, and is then tried again. */
export class Balancer {
  readonly backends: readonly Backend[];
  readonly #balance: Balance;
  #turn: number;

  /** @param turn where round-robin begins, so that workers do not all begin with the first */
  constructor(addresses: readonly Address[], names: readonly string[], balance: Balance, turn = 0) {
    this.backends = addresses.map((address, index) => ({
      address,
      name: names[index],
      active: 0,
      failures: 0,
      coolingUntil: 0,
      trialUntil: 0,
    }));
    this.#balance = balance;
    this.#turn = turn % addresses.length;
  }

  /**
   * All backends in the order to try them: the balance's choice first, those that cool down last, since a late try is better
   * than none.
   */
  candidates(nowMs: number): Backend[] {
    if (this.backends.length === 1) return [this.backends[0]];
    const start = this.#turn;
    this.#turn = (start + 1) % this.backends.length;
    const turned = [...this.backends.slice(start), ...this.backends.slice(0, start)];
    const avoided = ({ coolingUntil, trialUntil }: Backend) => coolingUntil > nowMs || trialUntil > nowMs ? 1 : 0;
    turned.sort((a, b) => avoided(a) - avoided(b) || (this.#balance === "least-conn" ? a.active - b.active : 0));
    // A backend that does not answer costs whoever tries it the time: not all of those who come just then.
    if (turned[0].failures > 0 && avoided(turned[0]) === 0) turned[0].trialUntil = nowMs + TRIAL_MS;
    return turned;
  }

  connected(backend: Backend): void {
    backend.active++;
    backend.failures = 0;
    backend.coolingUntil = backend.trialUntil = 0;
  }

  failed(backend: Backend, nowMs: number): void {
    backend.trialUntil = 0;
    // Connections that were under way when it went away fail together: that is one failure.
    if (backend.coolingUntil > nowMs) return;
    const coolDownMs = Math.min(FIRST_COOL_DOWN_MS * 2 ** backend.failures, LONGEST_COOL_DOWN_MS);
    backend.failures++;
    backend.coolingUntil = nowMs + coolDownMs;
  }

  released(backend: Backend): void {
    backend.active--;
  }
}
