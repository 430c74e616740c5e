import type { Monitor } from "./monitor.ts";
import { PoolWorker } from "./pool_worker.ts";
import type { SharedLimits } from "./shared_limits.ts";
import type { Reply, Request, RequestName } from "./messages.ts";
import { InlineWorker, ThreadWorker, type WorkerHandleOptions } from "./worker_handle.ts";

interface WorkerPoolOptions {
  monitor: Monitor;
  limits: SharedLimits;
  /** Several sockets may share an address. */
  reusePort: boolean;
  /** Is told each time that nothing is left of a generation in a worker. */
  onDrained: () => void;
  /** Is told of a worker that has ended though nobody asked for it. */
  onDeath: (worker: PoolWorker, error: Error) => void;
}

/** All workers that live: those that serve, and those that only drain. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<PoolWorker>();

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  get workers(): PoolWorker[] {
    return [...this.#workers];
  }

  /** Starts a worker; `inline` in this very thread. */
  start(index: number, inline: boolean): PoolWorker {
    const slot = this.#options.limits.takeSlot();
    const { monitor, reusePort, onDrained, onDeath } = this.#options;
    const options: WorkerHandleOptions = {
      index,
      slot,
      reusePort,
      onEvent: (event) => {
        if (event.type === "entries") monitor.receive(event.entries);
        else if (event.type === "drained") {
          worker.drained(event.generation);
          onDrained();
        }
      },
      onDeath: (error) => {
        this.#ended(worker);
        onDeath(worker, error);
      },
    };
    const worker = new PoolWorker(inline ? new InlineWorker(options) : new ThreadWorker(options), slot, monitor);
    this.#workers.add(worker);
    return worker;
  }

  /** Ends a worker, and whatever it still has. */
  async end(worker: PoolWorker): Promise<void> {
    this.#workers.delete(worker);
    await worker.handle.terminate();
    this.#ended(worker);
  }

  #ended(worker: PoolWorker): void {
    this.#workers.delete(worker);
    worker.ended();
    this.#options.limits.freeSlot(worker.slot);
  }

  /** Asks every worker; the answers of those that gave one. */
  async askAll<Name extends RequestName>(request: Request<Name> & { type: Name }): Promise<Reply<Name>[]> {
    const answers = await Promise.allSettled(this.workers.map(({ handle }) => handle.ask(request)));
    return answers.flatMap((answer) => answer.status === "fulfilled" ? [answer.value] : []);
  }
}
