import type { Monitor } from "../monitor.ts";
import { PoolWorker } from "./pool_worker.ts";
import type { SharedLimits } from "./shared_limits.ts";
import type { Reply, Request, RequestName } from "./messages.ts";
import { TicketSecrets } from "./ticket_secrets.ts";
import { ThreadWorker, type WorkerHandleOptions } from "./worker_handle.ts";

interface WorkerPoolOptions {
  monitor: Monitor;
  limits: SharedLimits;
  /** Whether sockets of several workers may share an address. */
  reusePort: boolean;
  /** Called each time that nothing is left of a generation in a worker. */
  onDrained: () => void;
  /** Called when a worker has ended without being told to. */
  onDeath: (worker: PoolWorker, error: Error) => void;
}

/** All workers that are alive: those that serve, and those that only drain. */
export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Set<PoolWorker>();
  readonly #tickets = new TicketSecrets((secret) => void this.askAll({ type: "tickets", secret }));

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  get workers(): PoolWorker[] {
    return [...this.#workers];
  }

  /** Starts a worker, on a thread of its own or, `inline`, in this one. */
  async start(index: number, inline: boolean): Promise<PoolWorker> {
    // Where each worker has a thread, this thread needs nothing of what serves connections.
    const Handle = inline ? (await import("./inline_worker.ts")).InlineWorker : ThreadWorker;
    this.#tickets.start();
    const slot = this.#options.limits.takeSlot();
    const { monitor, reusePort, onDrained, onDeath } = this.#options;
    const options: WorkerHandleOptions = {
      index,
      slot,
      reusePort,
      ticketSecret: this.#tickets.current,
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
    const worker = new PoolWorker(new Handle(options), slot, monitor);
    this.#workers.add(worker);
    return worker;
  }

  /** Ends a worker, and frees what it still has. */
  async end(worker: PoolWorker): Promise<void> {
    this.#workers.delete(worker);
    await worker.handle.terminate();
    this.#ended(worker);
  }

  #ended(worker: PoolWorker): void {
    this.#workers.delete(worker);
    if (this.#workers.size === 0) this.#tickets.stop();
    worker.ended();
    this.#options.limits.freeSlot(worker.slot);
  }

  /** Sends a request to every worker, and returns the replies of those that answered. */
  async askAll<Name extends RequestName>(request: Request<Name> & { type: Name }): Promise<Reply<Name>[]> {
    const answers = await Promise.allSettled(this.workers.map(({ handle }) => handle.ask(request)));
    return answers.flatMap((answer) => answer.status === "fulfilled" ? [answer.value] : []);
  }
}
