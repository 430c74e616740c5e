import { clearTimeout, setTimeout } from "node:timers";

/** How long connections may go on that are older than a reload (`reload-grace`). */
export class ReloadGraces {
  readonly #end: (before: number) => void;
  readonly #timers: ReturnType<typeof setTimeout>[] = [];

  /** @param end ends the connections of the generations before this one */
  constructor(end: (before: number) => void) {
    this.#end = end;
  }

  /**
   * Lets the connections that are older than a generation end, in time.
   * @param graceMs 0: they may live on, as may those of the reloads before, by the file that counts now
   */
  begin(generation: number, graceMs: number): void {
    if (graceMs === 0) {
      for (const timer of this.#timers.splice(0)) clearTimeout(timer);
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      this.#end(generation);
    }, graceMs);
    this.#timers.push(timer.unref());
  }
}
