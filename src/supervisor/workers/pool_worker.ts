import type { Monitor } from "../monitor.ts";
import type { GenerationPlan, PreparedSocket } from "./messages.ts";
import { listenerShapes } from "../monitor_plan.ts";
import type { Plan } from "../plan.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** A worker, with the memory that the monitor has given it. */
export class PoolWorker {
  /** Grants of the generations that it still has, by the generation's number. */
  readonly #grants = new Map<number, number>();
  #waiting: (() => void)[] = [];

  constructor(readonly handle: WorkerHandle, readonly slot: number, readonly monitor: Monitor) {}

  /** Whether it has no generation, and so no connection and no socket. */
  get isEmpty(): boolean {
    return this.#grants.size === 0;
  }

  /**
   * Lets the worker prepare to serve by `plan`.
   * @throws {Error} where an address cannot be bound; then the worker is unchanged
   */
  async prepare(generation: number, plan: Plan, limits: GenerationPlan["limits"]): Promise<PreparedSocket[]> {
    const grant = this.monitor.grant(this.handle.index, listenerShapes(plan), plan.config.log);
    this.#grants.set(generation, grant.id);
    try {
      return await this.handle.ask({
        type: "prepare",
        plan: { id: generation, listeners: plan.listeners, grant, limits },
      });
    } catch (error) {
      this.drained(generation);
      throw error;
    }
  }

  /** Releases the memory of a generation of which nothing is left in the worker. */
  drained(generation: number): void {
    const grant = this.#grants.get(generation);
    if (grant === undefined) return;
    this.#grants.delete(generation);
    this.monitor.release(grant);
    if (this.isEmpty) { for (const resolve of this.#waiting.splice(0)) resolve(); }
  }

  /** Releases all memory, because the worker has ended. */
  ended(): void {
    for (const generation of [...this.#grants.keys()]) this.drained(generation);
  }

  /** Resolves when the worker has no generation any more. */
  whenEmpty(): Promise<void> {
    return this.isEmpty ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
