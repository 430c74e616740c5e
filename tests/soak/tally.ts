import { pause } from "../support/wait.ts";

/** What happened how often, by name. */
export class Tally {
  readonly counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count);
  }

  /** Repeats an action; its failures are counted, since much must fail in a soak. */
  async repeat(
    name: string,
    isRunning: () => boolean,
    pauseMs: () => number,
    action: () => Promise<void>,
  ): Promise<void> {
    while (isRunning()) {
      try {
        await action();
        this.add(name);
      } catch {
        this.add(`${name}, failed`);
      }
      await pause(pauseMs());
    }
  }
}
