import { formatAddress } from "../config/address.ts";
import type { Log } from "../observe/log.ts";
import type { Telemetry } from "../observe/telemetry.ts";
import { acceptLoop } from "../proxy/accept.ts";
import { Clock } from "../proxy/clock.ts";
import { Session } from "../proxy/session.ts";
import { createSessionContext } from "../proxy/session_context.ts";
import type { Listener } from "../runtime/contract.ts";
import { loadRuntime } from "../runtime/detect.ts";
import { tlsListenOptions } from "../tls/options.ts";
import type { ListenerPlan } from "./plan.ts";

export interface WorkerOptions {
  index: number;
  /** Prefix of every connection id, so that no two workers or starts share one. */
  idPrefix: string;
  listeners: ListenerPlan[];
  telemetry: (listener: string) => Telemetry;
  log: Log;
  /** Other workers listen on the same addresses. */
  reusePort: boolean;
}

/** The listeners and connections of one thread. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #clock: Clock;
  readonly #listeners: { name: string; listener: Listener }[] = [];
  readonly #sessions = new Set<Session>();
  #idle: (() => void) | null = null;
  #connections = 0;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#clock = new Clock(options.listeners.flatMap(({ config }) => Object.values(config.timeouts)));
  }

  /** What is bound now; the ports are the real ones. */
  get addresses(): { listener: string; address: string }[] {
    return this.#listeners.map(({ name, listener }) => ({ listener: name, address: formatAddress(listener.address) }));
  }

  /** Connections now. */
  get active(): number {
    return this.#sessions.size;
  }

  /**
   * Binds every address and begins to accept.
   * @throws {Error} naming the listener and the address that failed; nothing is left bound
   */
  async listen(): Promise<void> {
    for (const plan of this.#options.listeners) {
      try {
        await this.#listen(plan);
      } catch (error) {
        this.close();
        throw error;
      }
    }
  }

  /** Stops accepting; connections live on. */
  close(): void {
    for (const { listener } of this.#listeners.splice(0)) listener.close();
  }

  /** Resolves when the last connection has ended. */
  drained(): Promise<void> {
    return this.#drained ??= new Promise((resolve) => {
      this.#idle = resolve;
      this.#checkIdle();
    });
  }
  #drained: Promise<void> | null = null;

  /** Ends every connection now, and says how many there were. */
  async cut(): Promise<number> {
    const sessions = [...this.#sessions];
    for (const session of sessions) session.end("drain");
    await this.drained();
    return sessions.length;
  }

  async #listen(plan: ListenerPlan): Promise<void> {
    const { config, tls } = plan;
    const { index, idPrefix, telemetry, log, reusePort } = this.#options;
    const runtime = await loadRuntime(tls.engine);
    const context = createSessionContext(plan, {
      worker: index,
      runtime,
      clock: this.#clock,
      admission: { admit: () => null, release: () => {} },
      telemetry: telemetry(config.name),
      log,
      nextId: () => `${idPrefix}${(++this.#connections).toString(36)}`,
      finished: (session) => {
        this.#sessions.delete(session);
        this.#checkIdle();
      },
    });
    for (const address of config.listen) {
      let listener: Listener;
      try {
        listener = await runtime.listenTls(tlsListenOptions(config, tls, { address, reusePort }));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`Cannot listen on ${formatAddress(address)} for listener "${config.name}": ${reason}`, {
          cause: error,
        });
      }
      this.#listeners.push({ name: config.name, listener });
      const accepting = acceptLoop(
        listener,
        (conn) => this.#serve(new Session(conn, context)),
        (error) => log.warn("accepting paused", { event: "exhausted", listener: config.name, error: error.message }),
      );
      accepting.catch((error) =>
        log.error("accepting failed", { event: "accept-failed", listener: config.name, error: String(error) })
      );
    }
  }

  #serve(session: Session): void {
    this.#sessions.add(session);
    session.run();
  }

  #checkIdle(): void {
    if (this.#sessions.size === 0) this.#idle?.();
  }
}
