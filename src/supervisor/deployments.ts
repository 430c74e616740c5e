import { setTimeout } from "node:timers";
import type { Log } from "../log/log.ts";
import { formatAddress } from "../net/address.ts";
import type { Monitor } from "./monitor.ts";
import { releaseMemorySoon } from "../engines/shared/release_memory.ts";
import { sharesPorts } from "../engines/shared/shares_ports.ts";
import { shortenTurns } from "../engines/deno/turns.ts";
import { WorkerPool } from "./workers/worker_pool.ts";
import type { PoolWorker } from "./workers/pool_worker.ts";
import { type ListeningSocket, ListeningSockets, type SpreadRule } from "./sockets/listening_sockets.ts";
import { checkThreadRoom } from "./sockets/file_limit.ts";
import { spareThreads } from "./workers/threads.ts";
import { SharedLimits } from "./workers/shared_limits.ts";
import type { Plan } from "./plan/plan.ts";
import { handshakesEnded, queueEmpty } from "./sockets/superseded_socket.ts";
import { WorkerWeights } from "./sockets/worker_weights.ts";
import { ReloadGraces } from "./reload_graces.ts";
import type { SocketCalls } from "../linux/socket_calls.ts";

interface DeploymentsOptions {
  log: Log;
  monitor: Monitor;
  /** `null` on a runtime without them. */
  calls: SocketCalls | null;
  /** How many connections this process can have at once. */
  maxConnections: number;
}

/** The pause after which a worker that could not be replaced is tried again. */
const REPLACE_RETRY_MS = 500;
/** How long to wait for the records of connections that were cut. */
const CUT_MS = 2_000;

/** Brings plans into service, one generation after the other, and lets the old generations drain. */
export class Deployments {
  readonly pool: WorkerPool;
  readonly sockets: ListeningSockets;
  readonly #log: Log;
  readonly #monitor: Monitor;
  readonly #calls: SocketCalls | null;
  readonly #limits: SharedLimits;
  /** Whether a single worker needs no thread of its own. */
  readonly #inline = shortenTurns();
  readonly #weights: WorkerWeights;
  #serving: PoolWorker[] = [];
  /** The workers that serve, or will when the deployment under way succeeds. */
  #chosen: ReadonlySet<PoolWorker> = new Set();
  readonly #graces = new ReloadGraces((before) => {
    void this.pool.askAll({ type: "cut", before, reason: "reload-grace" });
  });
  #plan: Plan | null = null;
  /** Sockets that no new connection goes to, and that are not closed yet. */
  readonly #superseded = new WeakSet<ListeningSocket>();
  #generation = 0;
  #ending = false;
  /** Sockets join and leave their groups one after the other, so that their order here is the kernel's. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor({ log, monitor, calls, maxConnections }: DeploymentsOptions) {
    this.#limits = new SharedLimits(maxConnections);
    this.#log = log;
    this.#monitor = monitor;
    this.#calls = calls;
    this.sockets = new ListeningSockets(calls);
    this.#weights = new WorkerWeights(this.sockets, this.#limits);
    this.pool = new WorkerPool({
      monitor,
      limits: this.#limits,
      reusePort: sharesPorts(),
      onDrained: () => releaseMemorySoon(),
      onDeath: (worker, error) => this.#died(worker, error),
    });
  }

  /** The number of the generation that serves. */
  get generation(): number {
    return this.#generation;
  }

  /** The workers that serve. */
  get serving(): readonly PoolWorker[] {
    return this.#serving;
  }

  /**
   * Serves by `plan` from now on. Resolves when new connections go to the new generation. Established connections live
   * on, for as long as `reload-grace` of the plan allows.
   * @param isReload `false` where only certificates have changed that the program ordered itself: that makes no
   *   connection too old
   * @throws {Error} where the plan cannot be served, or a drain has begun; then nothing has changed
   */
  deploy(plan: Plan, workerCount: number, isReload = true): Promise<void> {
    return this.#inTurn(async () => {
      this.#refuseWhenEnding();
      const generation = this.#generation + 1;
      const inline = workerCount === 1 && this.#inline;
      const living = Array.from(
        { length: workerCount },
        // One that only waits for its last connections can serve again: else each change of their number would leave
        // one more.
        (_, index) => this.pool.workers.find(({ handle }) => handle.index === index && handle.isInline === inline),
      );
      const missing = living.filter((worker) => worker === undefined).length;
      if (!inline) checkThreadRoom(this.#calls, missing - Math.min(missing, spareThreads()));
      const workers: PoolWorker[] = [];
      for (const [index, worker] of living.entries()) workers.push(worker ?? await this.pool.start(index, inline));
      const fresh = workers.filter((_, index) => living[index] === undefined);
      this.#chosen = new Set(workers);
      const sockets = await this.#prepare(workers, fresh, generation, plan);
      // From here on a worker that dies is replaced.
      await Promise.allSettled(workers.map(({ handle }) => handle.ask({ type: "commit", generation })));
      this.#limits.set(plan);
      this.sockets.choose(sockets, spreadOf(plan, workerCount));
      const dismissed = this.#serving.filter((worker) => !workers.includes(worker));
      this.#serving = workers;
      this.#plan = plan;
      this.#generation = generation;
      if (isReload) this.#monitor.counters.reloaded(generation);
      this.#supersede(plan, dismissed, isReload);
    });
  }

  /**
   * Closes every listening socket, after accepting the connections that wait there, and resolves when all connections
   * have ended.
   * @param graceMs how long connections may wait to be accepted while limits are reached
   */
  async drain(graceMs: number): Promise<void> {
    this.#ending = true;
    await this.#turn;
    await this.pool.askAll({ type: "end-silent" });
    await Promise.all(this.sockets.all.map((socket) => this.#shut(socket, graceMs)));
    await this.pool.askAll({ type: "retire" });
    await Promise.all(this.pool.workers.map((worker) => worker.whenEmpty()));
  }

  /** Closes every listening socket and ends every connection now. Returns how many connections there were. */
  async cut(): Promise<number> {
    this.#ending = true;
    await Promise.all(this.sockets.all.map((socket) => this.#close(socket)));
    await this.pool.askAll({ type: "retire" });
    const counts = await this.pool.askAll({ type: "cut", before: Infinity, reason: "drain" });
    // A connection is logged when it has ended.
    await Promise.race([
      Promise.all(this.pool.workers.map((worker) => worker.whenEmpty())),
      new Promise((resolve) => setTimeout(resolve, CUT_MS).unref()),
    ]);
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Whether every worker answers. */
  async isWell(): Promise<boolean> {
    const { length } = this.pool.workers;
    return (await this.pool.askAll({ type: "ping" })).length === length;
  }

  /** Ends every worker. */
  async end(): Promise<void> {
    this.#ending = true;
    this.#weights.stop();
    await Promise.all(this.pool.workers.map((worker) => this.pool.end(worker)));
    for (const socket of this.sockets.all) this.sockets.closed(socket);
  }

  #refuseWhenEnding(): void {
    if (this.#ending) throw new Error("a drain has begun");
  }

  /**
   * Lets each of these workers bind the sockets that it needs.
   * @param fresh the workers that were started for this, and end where it fails
   */
  async #prepare(
    workers: PoolWorker[],
    fresh: PoolWorker[],
    generation: number,
    plan: Plan,
  ): Promise<ListeningSocket[]> {
    const sockets: ListeningSocket[] = [];
    const before = new Set(this.sockets.all);
    const limits = this.#limits.allocate(plan);
    try {
      for (const worker of workers) {
        // At a start few are open, so that it saves nothing to know them.
        const openBefore = this.#plan === null ? new Set<number>() : this.sockets.openFds();
        const prepared = await worker.prepare(generation, plan, limits);
        sockets.push(...prepared.map((socket) => this.sockets.open(worker, socket, openBefore)));
      }
      this.#refuseWhenEnding();
      return sockets;
    } catch (error) {
      await Promise.allSettled(workers.map(({ handle }) => handle.ask({ type: "abort", generation })));
      for (const socket of sockets) if (!before.has(socket)) this.sockets.closed(socket);
      for (const worker of fresh) await this.pool.end(worker);
      this.#chosen = new Set(this.#serving);
      for (const worker of workers) this.#endWhenEmpty(worker);
      throw error;
    }
  }

  /** Lets the sockets and workers end with their last connections that the plan does not use any more. */
  #supersede({ config: { reloadGraceMs } }: Plan, dismissed: PoolWorker[], isReload: boolean): void {
    const graceMs = isReload && reloadGraceMs > 0 ? reloadGraceMs : Infinity;
    const addresses = new Set([...this.sockets.chosen].map(({ address }) => address));
    for (const socket of this.sockets.all) {
      if (this.sockets.chosen.has(socket) || this.#superseded.has(socket)) continue;
      this.#superseded.add(socket);
      this.sockets.refuseNew(socket);
      // At an address that is given up, handshakes under way are not waited for. An inherited socket belongs to the
      // next generation, too.
      void (addresses.has(socket.address) && socket.groupSocket !== null
        ? handshakesEnded(this.sockets, socket)
        : Promise.resolve())
        .then(
          () => this.#shut(socket, graceMs),
        );
    }
    for (const worker of dismissed) {
      worker.handle.ask({ type: "retire" }).catch(() => {});
      this.#endWhenEmpty(worker);
    }
    if (isReload) this.#graces.begin(this.#generation, reloadGraceMs);
  }

  /** Ends a worker with its last connection, unless it serves again by then. */
  #endWhenEmpty(worker: PoolWorker): void {
    void worker.whenEmpty().then(async () => {
      if (worker.isEmpty && !this.#chosen.has(worker)) await this.pool.end(worker);
    });
  }

  async #shut(socket: ListeningSocket, graceMs: number): Promise<void> {
    this.sockets.refuseNew(socket);
    const deadline = performance.now() + graceMs;
    await queueEmpty(
      this.sockets,
      socket,
      () => performance.now() >= deadline || (graceMs === Infinity && this.#ending),
    );
    await this.#close(socket);
    await this.#inTurn(() => this.sockets.closed(socket));
  }

  async #close({ worker, id }: ListeningSocket): Promise<void> {
    // If the worker has ended, the socket is closed already.
    await worker.handle.ask({ type: "close", sockets: [id] }).catch(() => {});
  }

  #died(worker: PoolWorker, error: Error): void {
    const { index } = worker.handle;
    this.#log.error("worker died", { event: "worker-died", worker: index, error: error.message });
    void this.#inTurn(async () => {
      for (const socket of this.sockets.all) if (socket.worker === worker) this.sockets.closed(socket);
      await this.#replace(worker);
    });
  }

  async #replace(dead: PoolWorker): Promise<void> {
    const plan = this.#plan;
    if (plan === null || this.#ending || !this.#serving.includes(dead)) return;
    const { index, isInline } = dead.handle;
    const generation = this.#generation;
    this.#monitor.workerRestarts++;
    try {
      if (!isInline) checkThreadRoom(this.#calls, 1);
      const worker = await this.pool.start(index, isInline);
      this.#chosen = new Set([...this.#chosen, worker]);
      const sockets = await this.#prepare([worker], [worker], generation, plan);
      await worker.handle.ask({ type: "commit", generation });
      this.#serving = this.#serving.map((one) => one === dead ? worker : one);
      this.sockets.choose([...this.sockets.chosen, ...sockets], spreadOf(plan, this.#serving.length));
      this.#log.info("worker replaced", { event: "worker-replaced", worker: index });
    } catch (error) {
      this.#log.error("worker could not be replaced, will be tried again", {
        event: "worker-not-replaced",
        worker: index,
        error: error instanceof Error ? error.message : String(error),
      });
      setTimeout(() => void this.#inTurn(() => this.#replace(dead)), REPLACE_RETRY_MS).unref();
    }
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function spreadOf({ config: { listeners } }: Plan, workers: number): SpreadRule {
  const byClient = listeners.filter(({ spread }) => spread === "client").flatMap(({ listen }) => listen);
  return { workers, byClient: new Set(byClient.map(formatAddress)) };
}
