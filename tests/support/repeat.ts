/**
 * Does something again and again beside a test, one after the other, until told to stop. Its first failure ends it, is shown
 * at once (the test may fail because of that, and its own error hide this one), and is thrown by whoever ends it.
 */
export class Repeat implements Disposable {
  /** How often it was done. */
  count = 0;
  #stopped = false;
  #failures: unknown[] = [];
  readonly #ended: Promise<void>;

  /** @param action is given its number, from 1 */
  constructor(action: (number: number) => Promise<void>) {
    this.#ended = this.#run(action);
  }

  /** Lets what is under way end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
    this[Symbol.dispose]();
  }

  /** Waits for nothing: what is under way may hang, or fail because the test tears its other side down. */
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
