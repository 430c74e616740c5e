/** A connection as the clock sees it. */
export interface Expiring {
  /** Ends the connection where a deadline of its own has passed at `nowMs`. */
  expire(nowMs: number): void;
}

/** The connections of a worker. */
interface Members {
  readonly size: number;
  /** Each may leave meanwhile. */
  keys(): Iterable<Expiring>;
}

const SHORTEST_TICK_MS = 20;
const LONGEST_TICK_MS = 1000;

/**
 * One coarse clock for all connections of a worker, which checks their deadlines at each tick. Data moves far more
 * often than deadlines pass. To note the time of a chunk takes one read of a field, which is cheaper than a timer for
 * each connection. Deadlines are met within a tick, which is a quarter of the shortest timeout and at most a second.
 */
export class Clock {
  /** Milliseconds, as of the last tick. */
  now = performance.now();
  readonly #members: Members;
  readonly #tickMs: number;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param members the connections, which somebody else keeps
   * @param timeoutsMs every timeout of the connections; 0 for off
   */
  constructor(members: Members, timeoutsMs: Iterable<number>) {
    const shortest = Math.min(Infinity, ...[...timeoutsMs].filter((timeout) => timeout > 0));
    this.#members = members;
    this.#tickMs = Math.min(Math.max(Math.floor(shortest / 4), SHORTEST_TICK_MS), LONGEST_TICK_MS);
  }

  /** To be called when a member has come. */
  start(): void {
    if (this.#members.size === 1) this.now = performance.now();
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs);
  }

  #tick(): void {
    // The timer is not stopped as soon as the last connection ends: where one connection follows another, each would
    // start and stop it.
    if (this.#members.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    this.now = performance.now();
    for (const member of this.#members.keys()) member.expire(this.now);
  }
}
