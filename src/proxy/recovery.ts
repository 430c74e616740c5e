/**
 * Connections of one worker that wait for a backend while all backends refuse. Only one of them tries, so that
 * thousands of them do not keep the processor busy. When a connect succeeds, all of them try.
 */
export class Recovery {
  readonly #waiting = new Set<() => void>();
  #led = false;

  /**
   * Waits until it is time to try again.
   * @param pauseMs how long the connection that tries for all waits between two tries
   * @param untilMs `performance.now()` time at which to stop waiting in any case
   */
  async wait(pauseMs: number, untilMs: number): Promise<void> {
    const leftMs = Math.max(0, untilMs - performance.now());
    if (this.#led) return await this.#waitForOthers(leftMs);
    this.#led = true;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, leftMs)));
    this.#led = false;
  }

  /** A connect has succeeded. */
  recovered(): void {
    if (this.#waiting.size > 0) { for (const wake of [...this.#waiting]) wake(); }
  }

  /** A connection that has waited gives up: another one tries in its place. */
  gaveUp(): void {
    const [next] = this.#waiting;
    next?.();
  }

  #waitForOthers(leftMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, leftMs);
      this.#waiting.add(wake);
    });
  }
}
