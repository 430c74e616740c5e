import process from "node:process";
import { type Admin, type AdminControl, startAdmin } from "../observe/admin/admin.ts";
import { formatAddress } from "../config/address.ts";
import type { RootLog } from "../observe/log.ts";
import type { Observatory } from "../observe/observatory.ts";
import { Observer } from "../observe/observer.ts";
import { BackendProbe } from "./backend_probe.ts";
import { listenerShapes, observePlan } from "./observe_plan.ts";
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
  readonly #log: RootLog;
  readonly #observatory: Observatory;
  readonly #observer: Observer;
  readonly #worker: Worker;
  #stop: () => void = () => {};
  #stopNow: () => void = () => {};
  readonly #stopping: Promise<void>;
  readonly #stoppingNow: Promise<void>;

  constructor(plan: Plan, log: RootLog, observatory: Observatory) {
    this.#plan = plan;
    this.#log = log;
    this.#observatory = observatory;
    this.#stopping = new Promise((resolve) => this.#stop = resolve);
    this.#stoppingNow = new Promise((resolve) => this.#stopNow = resolve);
    observePlan(plan, observatory);
    const grant = observatory.grant(0, listenerShapes(plan), plan.config.log);
    this.#observer = new Observer(grant, (entries) => observatory.receive(entries));
    this.#worker = new Worker({
      index: 0,
      idPrefix: `${crypto.randomUUID().slice(0, 8)}-0-`,
      listeners: plan.listeners,
      telemetry: (listener) => this.#observer.telemetry(listener),
      log: this.#observer.log,
      reusePort: false,
    });
  }

  /**
   * Binds every listener and serves.
   * @throws {Error} when an address cannot be bound
   */
  async run(started: Started = () => {}): Promise<number> {
    const onSignal = (signal: string) => this.#onSignal(signal);
    const signals = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const;
    // Before the first connection: a runtime that is out of descriptors may not be able to start listening for signals.
    for (const signal of signals) process.on(signal, onSignal);
    this.#observatory.start();
    let admin: Admin | null = null;
    try {
      await this.#worker.listen();
      admin = await this.#startAdmin();
      for (const { listener, address } of this.#worker.addresses) {
        this.#log.info("listening", { event: "listening", listener, address });
      }
      this.#log.info("ready", { event: "ready", pid: process.pid });
      started(this.#worker.addresses);
      await this.#stopping;
      return await this.#drain();
    } finally {
      for (const signal of signals) process.off(signal, onSignal);
      await admin?.close();
      this.#observer.flush();
      this.#observatory.release(this.#observer.grant.id);
      this.#observatory.stop();
    }
  }

  /** Begins to drain; the second time, stops at once. */
  stop(): void {
    if (this.#asked++ === 0) this.#stop();
    else this.#stopNow();
  }
  #asked = 0;

  #onSignal(signal: string): void {
    if (signal === "SIGUSR1") return this.#log.reopen();
    if (signal === "SIGHUP") return void this.#reload();
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
    this.#observer.flush();
    this.#log.info("stopped", { event: "stop", outcome, cut });
    return cut === 0 ? EXIT_DRAINED : EXIT_CUT;
  }

  async #startAdmin(): Promise<Admin | null> {
    const { admin } = this.#plan.config;
    const { listen } = admin;
    if (listen === null) return null;
    const probe = new BackendProbe(() => this.#plan.listeners);
    const control: AdminControl = {
      unready: () => probe.unready(),
      draining: () => this.#asked > 0,
      reload: () => Promise.resolve(this.#reload()),
      drain: () => {
        if (this.#asked === 0) this.#onSignal("POST /drain");
      },
    };
    const started = await startAdmin({ ...admin, listen }, this.#observatory, control);
    this.#log.info("admin endpoint", { event: "admin-listening", address: formatAddress(started.address) });
    return started;
  }

  #reload(): boolean {
    this.#log.warn("not supported yet: reload", { event: "reload-unsupported" });
    return false;
  }
}
