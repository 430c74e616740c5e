import { clearTimeout, setTimeout } from "node:timers";
import type { Log } from "../log/log.ts";
import type { Monitor } from "./monitor.ts";
import type { Plan, PlanResult } from "./plan/plan.ts";

interface ReloadsOptions {
  log: Log;
  monitor: Pick<Monitor, "reloads">;
  /** Reads everything anew. */
  load: () => Promise<PlanResult>;
  /** How long that may take, for example on a file system that does not answer. */
  loadMs?: number;
  /** Serves by the plan. Throws where that fails; then nothing has changed. */
  apply: (plan: Plan) => Promise<void>;
  /** Called when a reload begins, and when it has ended with or without success. */
  begun: () => void;
  ended: () => void;
  /** Why there can be no reload now; `null` where there can. */
  refusal: () => string | null;
}

const LOAD_MS = 60_000;

/** Runs reloads, one at a time. */
export class Reloads {
  readonly #options: ReloadsOptions;
  #running: Promise<boolean> = Promise.resolve(true);
  #next: Promise<boolean> | null = null;

  constructor(options: ReloadsOptions) {
    this.#options = options;
  }

  /**
   * Loads everything anew. Requests that arrive while a reload waits for its turn share that reload.
   * @param cause who requests it, for the log
   * @returns whether the new configuration is in service; problems are in the log
   */
  request(cause: string): Promise<boolean> {
    if (this.#isRefused(cause)) return Promise.resolve(false);
    return this.#next ??= this.#running.then(() => {
      this.#next = null;
      return this.#running = this.#reload(cause);
    });
  }

  async #reload(cause: string): Promise<boolean> {
    const { log, monitor: { reloads } } = this.#options;
    // Between the request and its turn, and until it is served, a drain may begin, which is final.
    if (this.#isRefused(cause)) return false;
    const startMs = performance.now();
    this.#options.begun();
    const errors = await this.#try();
    this.#options.ended();
    if (errors.length > 0 && this.#isRefused(cause)) return false;
    if (errors.length > 0) {
      reloads.failed++;
      for (const error of errors) log.error(error, { event: "reload-error" });
      log.error("reload failed: serving as before", { event: "reload-failed", cause, errors: errors.length });
      return false;
    }
    reloads.ok++;
    log.info("reloaded", { event: "reload", cause, duration_ms: Math.round(performance.now() - startMs) });
    return true;
  }

  #isRefused(cause: string): boolean {
    const refusal = this.#options.refusal();
    if (refusal !== null) this.#options.log.warn(`reload ignored: ${refusal}`, { event: "reload-ignored", cause });
    return refusal !== null;
  }

  /** Returns what is wrong. */
  async #try(): Promise<string[]> {
    const { log, apply } = this.#options;
    try {
      const { plan, errors, warnings } = await this.#load();
      for (const warning of warnings) log.warn(warning, { event: "configuration" });
      if (plan === null) return errors;
      await apply(plan);
      return [];
    } catch (error) {
      return [error instanceof Error ? error.message : String(error)];
    }
  }

  /** @throws {Error} where it takes too long; nothing comes of what is read later */
  async #load(): Promise<PlanResult> {
    const { load, loadMs = LOAD_MS } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error(`the configuration could not be read within ${loadMs / 1000} s`)),
        loadMs,
      );
    });
    try {
      return await Promise.race([load(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
