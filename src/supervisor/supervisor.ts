import process from "node:process";
import { formatAddress } from "../config/address.ts";
import { type Admin, startAdmin } from "../observe/admin/admin.ts";
import type { RootLog } from "../observe/log.ts";
import type { Observatory } from "../observe/observatory.ts";
import { loadSocketCalls } from "../runtime/socket_calls.ts";
import { availableCpus } from "./available_cpus.ts";
import { BackendProbe } from "./backend_probe.ts";
import { claimAddresses } from "./claim_addresses.ts";
import { observePlan } from "./observe_plan.ts";
import type { Plan } from "./plan.ts";
import { Rollout } from "./rollout.ts";

/** Exit codes: the drain was complete, or connections were cut. */
export const EXIT_DRAINED = 0;
export const EXIT_CUT = 3;

/** Is told the bound addresses once all of them accept. */
export type Started = (addresses: { listener: string; address: string }[]) => void;

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const;

/** Runs the proxy until a signal ends it; resolves with the exit code. */
export class Supervisor {
  readonly #log: RootLog;
  readonly #observatory: Observatory;
  #plan: Plan;
  #rollout: Rollout | null = null;
  #asked = 0;
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
  }

  /**
   * Binds every listener and serves.
   * @throws {Error} when an address cannot be bound
   */
  async run(started: Started = () => {}): Promise<number> {
    const onSignal = (signal: string) => this.#onSignal(signal);
    // Before the first connection: a runtime that is out of descriptors may not be able to start listening for signals.
    for (const signal of SIGNALS) process.on(signal, onSignal);
    this.#observatory.start();
    const calls = await loadSocketCalls();
    const rollout = this.#rollout = new Rollout({ log: this.#log, observatory: this.#observatory, calls });
    let admin: Admin | null = null;
    try {
      const plan = this.#plan = await claimAddresses(this.#plan);
      observePlan(plan, this.#observatory);
      await rollout.deploy(plan, workerCount(plan));
      admin = await this.#startAdmin();
      const addresses = plan.config.listeners.flatMap(({ name, listen }) =>
        listen.map((address) => ({ listener: name, address: formatAddress(address) }))
      );
      for (const { listener, address } of addresses) {
        this.#log.info("listening", { event: "listening", listener, address });
      }
      this.#log.info("ready", { event: "ready", pid: process.pid, workers: rollout.team.length });
      started(addresses);
      await this.#stopping;
      return await this.#drain(rollout);
    } finally {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      await admin?.close();
      await rollout.end();
      this.#observatory.stop();
    }
  }

  /** Begins to drain; the second time, stops at once. */
  stop(): void {
    if (this.#asked++ === 0) this.#stop();
    else this.#stopNow();
  }

  /** Lets a worker die by an error of its own, as nothing from outside can: how tests see it replaced. */
  async crashWorker(index: number): Promise<void> {
    const member = this.#rollout?.team.find(({ handle }) => handle.index === index);
    await member?.handle.ask({ type: "crash" });
  }

  #onSignal(signal: string): void {
    if (signal === "SIGUSR1") return this.#log.reopen();
    if (signal === "SIGHUP") return void this.#reload();
    this.#log.info(this.#asked === 0 ? "draining" : "stopping now", {
      event: this.#asked === 0 ? "drain" : "stop-now",
      signal,
      active: this.#observatory.ledger.totals().reduce((sum, { active }) => sum + active, 0),
    });
    this.stop();
  }

  async #drain(rollout: Rollout): Promise<number> {
    const { graceMs } = this.#plan.config.shutdown;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const outcome = await Promise.race([
      rollout.drain(graceMs).then(() => "drained" as const),
      this.#stoppingNow.then(() => "stopped" as const),
      new Promise<"expired">((resolve) => timer = setTimeout(() => resolve("expired"), graceMs)),
    ]);
    clearTimeout(timer);
    const cut = outcome === "drained" ? 0 : await rollout.cut();
    this.#log.info("stopped", { event: "stop", outcome, cut });
    return cut === 0 ? EXIT_DRAINED : EXIT_CUT;
  }

  async #startAdmin(): Promise<Admin | null> {
    const { admin } = this.#plan.config;
    const { listen } = admin;
    if (listen === null) return null;
    const probe = new BackendProbe(() => this.#plan.listeners);
    const started = await startAdmin({ ...admin, listen }, this.#observatory, {
      unready: () => probe.unready(),
      draining: () => this.#asked > 0,
      reload: () => Promise.resolve(this.#reload()),
      drain: () => {
        if (this.#asked === 0) this.#onSignal("POST /drain");
      },
    });
    this.#log.info("admin endpoint", { event: "admin-listening", address: formatAddress(started.address) });
    return started;
  }

  #reload(): boolean {
    this.#log.warn("not supported yet: reload", { event: "reload-unsupported" });
    return false;
  }
}

function workerCount({ config: { workers } }: Plan): number {
  return workers === "auto" ? availableCpus() : workers;
}
