/**
 * Repeats an action beside a test until it is stopped. The first failure ends it. The failure is shown at once, because
 * the test may fail as a consequence and its error would hide this one, and `stop` throws it.
 */
export class Repeat implements Disposable {
  /** How often the action was done. */
  count = 0;
  #stopped = false;
  #failures: unknown[] = [];
  readonly #ended: Promise<void>;

  /** @param action receives how many times it has been called, from 1 */
  constructor(action: (number: number) => Promise<void>) {
    this.#ended = this.#run(action);
  }

  /** Waits for the action under way, and repeats it no more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
    this[Symbol.dispose]();
  }

  /** Does not wait: the action under way may hang, or fail because the test closes its other side. */
  [Symbol.dispose](): void {
    this.#stopped = true;
    for (const failure of this.#failures.splice(0)) throw failure;
  }

  async #run(action: (number: number) => Promise<void>): Promise<void> {
    try {
      while (!this.#stopped) {
        await action(this.count + 1);
        this.count++;
      }
    } catch (error) {
      if (!this.#stopped) console.error("Cannot go on beside the test:", error);
      this.#failures.push(error);
    }
  }
}
