import process from "node:process";
import type { Log } from "../observe/log.ts";
import { logConnection } from "../observe/record_log.ts";
import type { Telemetry } from "../observe/telemetry.ts";
import type { Plan } from "./plan.ts";
import { Worker } from "./worker.ts";

/** Exit codes: the drain was complete, or connections were cut. */
export const EXIT_DRAINED = 0;
export const EXIT_CUT = 3;

/** Is told the bound addresses once all of them accept. */
export type Started = (addresses: { listener: string; address: string }[]) => void;

/** Runs the proxy until a signal ends it; resolves with the exit code. */
export class Supervisor {
  readonly #plan: Plan;
  readonly #log: Log;
  readonly #worker: Worker;
  #stop: () => void = () => {};
  #stopNow: () => void = () => {};
  readonly #stopping: Promise<void>;
  readonly #stoppingNow: Promise<void>;

  constructor(plan: Plan, log: Log) {
    this.#plan = plan;
    this.#log = log;
    this.#stopping = new Promise((resolve) => this.#stop = resolve);
    this.#stoppingNow = new Promise((resolve) => this.#stopNow = resolve);
    this.#worker = new Worker({
      index: 0,
      idPrefix: `${crypto.randomUUID().slice(0, 8)}-0-`,
      listeners: plan.listeners,
      telemetry: () => this.#telemetry(),
      log,
      reusePort: false,
    });
  }

  /**
   * Binds every listener and serves.
   * @throws {Error} when an address cannot be bound
   */
  async run(started: Started = () => {}): Promise<number> {
    const onSignal = (signal: string) => this.#onSignal(signal);
    const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
    // Before the first connection: a runtime that is out of descriptors may not be able to start listening for signals.
    for (const signal of signals) process.on(signal, onSignal);
    try {
      await this.#worker.listen();
      for (const { listener, address } of this.#worker.addresses) {
        this.#log.info("listening", { event: "listening", listener, address });
      }
      this.#log.info("ready", { event: "ready", pid: process.pid });
      started(this.#worker.addresses);
      await this.#stopping;
      return await this.#drain();
    } finally {
      for (const signal of signals) process.off(signal, onSignal);
    }
  }

  /** Begins to drain; the second time, stops at once. */
  stop(): void {
    if (this.#asked++ === 0) this.#stop();
    else this.#stopNow();
  }
  #asked = 0;

  #onSignal(signal: string): void {
    if (signal === "SIGHUP") {
      return this.#log.warn("not supported yet: reload", { event: "reload-unsupported", signal });
    }
    this.#log.info(this.#asked === 0 ? "draining" : "stopping now", {
      event: this.#asked === 0 ? "drain" : "stop-now",
      signal,
      active: this.#worker.active,
    });
    this.stop();
  }

  async #drain(): Promise<number> {
    const { graceMs } = this.#plan.config.shutdown;
    this.#worker.close();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const outcome = await Promise.race([
      this.#worker.drained().then(() => "drained" as const),
      this.#stoppingNow.then(() => "stopped" as const),
      new Promise<"expired">((resolve) => timer = setTimeout(() => resolve("expired"), graceMs)),
    ]);
    clearTimeout(timer);
    const cut = outcome === "drained" ? 0 : await this.#worker.cut();
    this.#log.info("stopped", { event: "stop", outcome, cut });
    return cut === 0 ? EXIT_DRAINED : EXIT_CUT;
  }

  #telemetry(): Telemetry {
    const nothing = () => {};
    const { access } = this.#plan.config.log;
    return {
      opened: nothing,
      rejected: nothing,
      handshakeDone: nothing,
      handshakeFailed: nothing,
      backendConnected: nothing,
      backendFailed: nothing,
      bytesIn: nothing,
      bytesOut: nothing,
      closed: (record) => {
        if (access) logConnection(this.#log, record);
      },
    };
  }
}
