import type { Monitor } from "../monitor.ts";
import type { GenerationPlan, PreparedSocket } from "./messages.ts";
import { listenerShapes } from "../plan/monitor_plan.ts";
import type { Plan } from "../plan/plan.ts";
import type { WorkerHandle } from "./worker_handle.ts";

/** A worker, with the memory that the monitor has given it. */
export class PoolWorker {
  /** The id of the monitor's memory of each generation that the worker still has, by the generation's number. */
  readonly #monitorIds = new Map<number, number>();
  #waiting: (() => void)[] = [];

  constructor(readonly handle: WorkerHandle, readonly slot: number, readonly monitor: Monitor) {}

  /** Whether it has no generation, and so no connection and no socket. */
  get isEmpty(): boolean {
    return this.#monitorIds.size === 0;
  }

  /**
   * Lets the worker prepare to serve by `plan`.
   * @throws {Error} where an address cannot be bound; then the worker is unchanged
   */
  async prepare(generation: number, plan: Plan, limits: GenerationPlan["limits"]): Promise<PreparedSocket[]> {
    const monitorMemory = this.monitor.allocate(this.handle.index, listenerShapes(plan), plan.config.log, generation);
    this.#monitorIds.set(generation, monitorMemory.id);
    try {
      return await this.handle.ask({
        type: "prepare",
        plan: { id: generation, listeners: plan.listeners, monitorMemory, limits },
      });
    } catch (error) {
      this.drained(generation);
      throw error;
    }
  }

  /** Releases the memory of a generation of which nothing is left in the worker. */
  drained(generation: number): void {
    const id = this.#monitorIds.get(generation);
    if (id === undefined) return;
    this.#monitorIds.delete(generation);
    this.monitor.release(id);
    if (this.isEmpty) { for (const resolve of this.#waiting.splice(0)) resolve(); }
  }

  /** Releases all memory, because the worker has ended. */
  ended(): void {
    for (const generation of [...this.#monitorIds.keys()]) this.drained(generation);
  }

  /** Resolves when the worker has no generation any more. */
  whenEmpty(): Promise<void> {
    return this.isEmpty ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }
}
