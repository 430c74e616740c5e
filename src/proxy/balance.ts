import { Recovery } from "./recovery.ts";
import type { Balance } from "../config/config.ts";
import type { Address } from "../net/address.ts";
import { rank } from "./client_rank.ts";
import type { Health } from "./health.ts";

const FIRST_COOL_DOWN_MS = 1_000;
const LONGEST_COOL_DOWN_MS = 30_000;
/**
 * After a backend has cooled down, one connection tries it. The others prefer other backends for this long meanwhile.
 */
const TRIAL_MS = 5_000;

/** One address of the application. */
export interface Backend {
  readonly address: Address;
  /** The label in logs and metrics. */
  readonly name: string;
  readonly weight: number;
  /** Taken only while no other backend is well. */
  readonly isSpare: boolean;
  /** What all workers and the prober know of it. */
  readonly health: Health;
  /** How many connections this worker has to it now. */
  active: number;
  /** Failed connects of this worker in a row. */
  failures: number;
  /** The `performance.now()` time until which other backends are preferred. */
  coolingUntil: number;
  /** The `performance.now()` time until which other backends are preferred while one connection tries this one. */
  trialUntil: number;
  /**
   * Its turn among the others, where they have turns: grows by its weight, and falls by all weights when it is taken.
   */
  credit: number;
  /** {@linkcode Health.recoveries} that this worker has taken notice of. */
  recoveries: number;
}

export interface BalancerOptions {
  backends: readonly Pick<Backend, "address" | "name" | "weight" | "isSpare" | "health">[];
  balance: Balance;
  /** Whether backends are probed, so that their health counts. */
  probed: boolean;
  /** Where round-robin begins, so that workers do not all begin with the first. Default 0. */
  turn?: number;
  /** Is told when a backend goes down or comes up by what this worker sees. */
  changed?: (backend: Backend, isUp: boolean, cause: string) => void;
}

/** Chooses among backends; one that refuses cools down, and is then tried again. */
export class Balancer {
  readonly backends: readonly Backend[];
  /** Connections that wait while all backends refuse. */
  readonly recovery = new Recovery();
  readonly #balance: Balance;
  readonly #probed: boolean;
  readonly #changed: NonNullable<BalancerOptions["changed"]>;
  #turn: number;

  constructor({ backends, balance, probed, turn = 0, changed = () => {} }: BalancerOptions) {
    this.backends = backends.map((backend) => ({
      ...backend,
      active: 0,
      failures: 0,
      coolingUntil: 0,
      trialUntil: 0,
      credit: 0,
      recoveries: backend.health.recoveries,
    }));
    this.#balance = balance;
    this.#probed = probed;
    this.#changed = changed;
    this.#turn = backends.length === 0 ? 0 : turn % backends.length;
  }

  /**
   * All backends in the order to try them: those that are well by the balance's choice, spares after them, and last
   * those that are down or cool down, since a late try is better than none.
   * @param client the address that the client comes from; "" where it has none
   */
  candidates(nowMs: number, client: string): Backend[] {
    const { backends } = this;
    if (backends.length === 1) return [backends[0]];
    const start = this.#turn;
    this.#turn = (start + 1) % backends.length;
    const order = [...backends.slice(start), ...backends.slice(0, start)];
    const byClient = this.#balance === "client" && client !== "";
    if (byClient) rank(order, client);
    else if (this.#balance !== "round-robin") order.sort((a, b) => load(a) - load(b));
    const tiers = new Map(order.map((backend) => [backend, this.#tier(backend, nowMs)]));
    order.sort((a, b) => tiers.get(a)! - tiers.get(b)!);
    if (!byClient) this.#takeTurns(order, order.filter((backend) => tiers.get(backend) === tiers.get(order[0])));
    // Trying a backend that does not answer takes time, so only one connection does it.
    if (order[0].failures > 0 && tiers.get(order[0])! < AVOIDED) order[0].trialUntil = nowMs + TRIAL_MS;
    return order;
  }

  /**
   * Gives the best of an order turns. By connections it is those that have fewest: while connections are short, that is
   * all of them, and the one behind a spare or a backend that is down would have the turn of that besides its own.
   */
  #takeTurns(order: Backend[], best: Backend[]): void {
    const equal = this.#balance === "round-robin" ? best : best.filter((backend) => load(backend) === load(best[0]));
    if (equal.length > 1) moveToFront(order, nextInTurn(equal));
  }

  connected(backend: Backend): void {
    backend.active++;
    backend.failures = 0;
    backend.coolingUntil = backend.trialUntil = 0;
    if (!this.#probed && backend.health.isDown && backend.health.good()) this.#changed(backend, true, "connected");
  }

  /** @param cause why it could not be connected to */
  failed(backend: Backend, nowMs: number, cause: string): void {
    backend.trialUntil = 0;
    // Connects that were under way when the backend went away fail together. They count as one failure.
    if (backend.coolingUntil > nowMs) return;
    const coolDownMs = Math.min(FIRST_COOL_DOWN_MS * 2 ** backend.failures, LONGEST_COOL_DOWN_MS);
    backend.failures++;
    backend.coolingUntil = nowMs + coolDownMs;
    if (backend.health.bad()) this.#changed(backend, false, cause);
  }

  released(backend: Backend): void {
    backend.active--;
  }

  #tier(backend: Backend, nowMs: number): number {
    const { recoveries } = backend.health;
    if (this.#probed && backend.recoveries !== recoveries) {
      // Probes have found it well since: there is nothing to wait for.
      backend.recoveries = recoveries;
      backend.failures = backend.coolingUntil = backend.trialUntil = 0;
    }
    const isCooling = backend.coolingUntil > nowMs || backend.trialUntil > nowMs;
    const isAvoided = isCooling || (this.#probed && backend.health.isDown);
    return (isAvoided ? AVOIDED : 0) + (backend.isSpare ? 1 : 0);
  }
}

function load({ active, weight }: Backend): number {
  return active / weight;
}

/** Tiers from here on are of backends that are not well. */
const AVOIDED = 2;

/**
 * Gives each backend turns by its weight, spread over the round instead of in a row: with weights 3 and 1, a a b a. The
 * way of nginx (ngx_http_upstream_get_peer), where it is known as smooth weighted round-robin.
 */
function nextInTurn(backends: Backend[]): Backend {
  let next = backends[0];
  let total = 0;
  for (const backend of backends) {
    total += backend.weight;
    backend.credit += backend.weight;
    if (backend.credit > next.credit) next = backend;
  }
  next.credit -= total;
  return next;
}

function moveToFront(order: Backend[], backend: Backend): void {
  order.splice(order.indexOf(backend), 1);
  order.unshift(backend);
}
