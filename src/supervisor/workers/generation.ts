import { WorkerMonitor } from "../../log/worker_monitor.ts";
import type { Entry } from "../../log/worker_monitor.ts";
import type { Reason } from "../../metrics/reasons.ts";
import { Clock } from "../../proxy/clock.ts";
import type { ConnectionSlot } from "../../proxy/limits/accept_limiter.ts";
import { Limits } from "../../proxy/limits/limits.ts";
import { Session } from "../../proxy/session.ts";
import { createSessionContext, type SessionContext } from "../../proxy/session_context.ts";
import type { Conn } from "../../engines/contract.ts";
import { loadEngine } from "../../engines/load.ts";
import { Members } from "../../engines/shared/members.ts";
import { releaseMemorySoon } from "../../engines/shared/release_memory.ts";
import type { GenerationPlan } from "./messages.ts";

/** How many connections there must have been for their memory to be given back when half of them have ended. */
const FLOOD = 50;
/** The first bytes of a client that has connected more recently may still be on their way. */
const FIRST_BYTES_MS = 500;

interface GenerationOptions {
  /** The worker's index. */
  worker: number;
  /** The worker's column in the limits' memory. */
  slot: number;
  nextId: () => string;
  post: (entries: Entry[]) => void;
  /** Called each time that the generation has no connection and no socket that accepts for it. */
  idle: (generation: Generation) => void;
}

/** What one worker serves by between two reloads, with the connections that began in that time. */
export class Generation {
  readonly monitor: WorkerMonitor;
  /** How many sockets accept for it. */
  sockets = 0;
  readonly #contexts = new Map<string, SessionContext>();
  readonly #limits = new Map<string, Limits>();
  readonly #sessions = new Members<Session>();
  readonly #clock: Clock;
  readonly #idle: (generation: Generation) => void;
  /** The most connections since memory was given back last. */
  #most = 0;

  private constructor(readonly plan: GenerationPlan, options: GenerationOptions) {
    this.monitor = new WorkerMonitor(plan.monitorMemory, options.post);
    this.#idle = options.idle;
    this.#clock = new Clock(
      this.#sessions,
      plan.listeners.flatMap(({ config: { timeouts } }) => {
        // Connecting has timers of its own.
        const { connectMs: _, retryMs: __, ...swept } = timeouts;
        return Object.values(swept);
      }),
    );
  }

  /**
   * Compiles what the sessions of each listener need.
   * @throws {Error} where an engine cannot be loaded
   */
  static async create(plan: GenerationPlan, options: GenerationOptions): Promise<Generation> {
    const generation = new Generation(plan, options);
    const { monitor } = generation;
    for (const listener of plan.listeners) {
      const { name } = listener.config;
      const limits = new Limits(plan.limits[name], options.slot);
      generation.#limits.set(name, limits);
      const context = createSessionContext(listener, {
        worker: options.worker,
        engine: await loadEngine(listener.tls.engine),
        clock: generation.#clock,
        admission: {
          admit: (client) => limits.admit(client) ? null : "per-client-limit",
          release: (client) => limits.release(client),
        },
        telemetry: monitor.telemetry(name),
        telemetryOf: (route) => monitor.telemetry(name, route),
        log: monitor.log,
        nextId: options.nextId,
        finished: (session) => generation.#finished(session as Session),
      });
      generation.#contexts.set(name, context);
    }
    return generation;
  }

  get id(): number {
    return this.plan.id;
  }

  /** How many connections it has now. */
  get active(): number {
    return this.#sessions.size;
  }

  get isIdle(): boolean {
    return this.sockets === 0 && this.#sessions.size === 0;
  }

  /** Returns the limits of the listener of that name. */
  limitsOf(listener: string): Limits {
    return this.#limits.get(listener)!;
  }

  /** Serves a connection that the listener of that name accepted, or turns it away. */
  serve(listener: string, conn: Conn, { limits, taken, refusal }: ConnectionSlot): void {
    const context = this.#contexts.get(listener)!;
    if (refusal !== null) {
      conn.close();
      return context.telemetry.rejected(refusal, conn.remote.hostname);
    }
    if (!taken) limits.take();
    const session = new Session(conn, context, limits);
    this.#sessions.add(session);
    this.#clock.start();
    this.#most = Math.max(this.#most, this.#sessions.size);
    session.run();
  }

  /** Counts that the listener of that name could not accept, because descriptors or memory had run out. */
  paused(listener: string): void {
    this.#contexts.get(listener)!.telemetry.paused();
  }

  /** Ends every connection, in good order where that is possible. Returns how many there were. */
  endConnections(reason: Reason): number {
    const sessions = [...this.#sessions.keys()];
    for (const session of sessions) session.end(reason);
    return sessions.length;
  }

  /** Ends the connections whose clients have had the time to send a byte, and have sent none. */
  async endSilent(): Promise<void> {
    const sessions = [...this.#sessions.keys()].filter((session) => session.isHandshakeLate(FIRST_BYTES_MS));
    await Promise.all(sessions.map((session) => session.endSilent("drain")));
  }

  /** Ends every connection at once, because the thread ends. */
  cut(): void {
    for (const session of [...this.#sessions.keys()]) session.cut("drain");
  }

  /** To be called when one of its sockets accepts no more for it. */
  leave(): void {
    this.sockets--;
    this.#checkIdle();
  }

  #finished(session: Session): void {
    if (this.#sessions.delete(session)) session.slot.giveBack();
    if (this.#most >= FLOOD && this.#sessions.size < this.#most / 2) {
      this.#most = this.#sessions.size;
      releaseMemorySoon();
    }
    this.#checkIdle();
  }

  #checkIdle(): void {
    if (this.isIdle) this.#idle(this);
  }
}
