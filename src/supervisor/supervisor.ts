import process from "node:process";
import { formatAddress } from "../config/address.ts";
import type { RootLog } from "../observe/log.ts";
import type { Observatory } from "../observe/observatory.ts";
import { type DebuggerGuard, openDebuggerGuard } from "../runtime/debugger_guard.ts";
import { loadSocketCalls } from "../runtime/socket_calls.ts";
import { AddressBook } from "./address_book.ts";
import { AdminEndpoint } from "./admin_endpoint.ts";
import { sharesPorts } from "../runtime/shares_ports.ts";
import { availableCpus } from "./available_cpus.ts";
import { BackendProbe } from "./backend_probe.ts";
import { checkFileLimit, raiseFileLimit } from "./file_limit.ts";
import { FileWatch } from "./file_watch.ts";
import { observePlan } from "./observe_plan.ts";
import type { Plan, PlanResult } from "./plan.ts";
import { Reloads } from "./reloads.ts";
import { Rollout } from "./rollout.ts";
import { ServiceManager } from "./service_manager.ts";

/** Exit codes: the drain was complete, or connections were cut. */
export const EXIT_DRAINED = 0;
export const EXIT_CUT = 3;

/** Is told the bound addresses once all of them accept. */
export type Started = (addresses: { listener: string; address: string }[]) => void;

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const;

/** What {@linkcode Supervisor} runs by. */
export interface SupervisorOptions {
  plan: Plan;
  /** Reads everything anew, for a reload. */
  load: () => Promise<PlanResult>;
  log: RootLog;
  observatory: Observatory;
}

/** Runs the proxy until a signal ends it; resolves with the exit code. */
export class Supervisor {
  readonly #log: RootLog;
  readonly #observatory: Observatory;
  readonly #admin: AdminEndpoint;
  readonly #reloads: Reloads;
  #plan: Plan;
  #rollout: Rollout | null = null;
  #manager: ServiceManager | null = null;
  #debugger: DebuggerGuard | null = null;
  readonly #watch = new FileWatch(() => this.#reloads.request("files changed"));
  readonly #addresses = new AddressBook();
  #maxConnections = 0;
  #asked = 0;
  #stop: () => void = () => {};
  #stopNow: () => void = () => {};
  readonly #stopping: Promise<void>;
  readonly #stoppingNow: Promise<void>;

  constructor({ plan, load, log, observatory }: SupervisorOptions) {
    this.#plan = plan;
    this.#log = log;
    this.#observatory = observatory;
    this.#stopping = new Promise((resolve) => this.#stop = resolve);
    this.#stoppingNow = new Promise((resolve) => this.#stopNow = resolve);
    const probe = new BackendProbe(() => this.#plan.listeners);
    this.#reloads = new Reloads({
      log,
      observatory,
      load,
      apply: (plan) => this.#apply(plan),
      begun: () => this.#manager?.reloading(),
      ended: () => this.#manager?.ready(this.#status()),
      refusal: () => this.#asked > 0 ? "draining" : this.#rollout === null ? "not ready" : null,
    });
    this.#admin = new AdminEndpoint(observatory, {
      unready: () => probe.unready(),
      draining: () => this.#asked > 0,
      reload: () => this.#reloads.request("POST /reload"),
      drain: () => {
        if (this.#asked === 0) this.#onSignal("POST /drain");
      },
    });
  }

  /**
   * Binds every listener and serves.
   * @throws {Error} when an address cannot be bound
   */
  async run(started: Started = () => {}): Promise<number> {
    const onSignal = (signal: string) => this.#onSignal(signal);
    // Before the first connection: a runtime that is out of descriptors may not be able to start listening for signals.
    for (const signal of SIGNALS) process.on(signal, onSignal);
    this.#debugger = openDebuggerGuard();
    this.#observatory.start();
    const calls = await loadSocketCalls();
    if (calls !== null && !calls.steers) {
      this.#log.warn("the kernel steers no connections here: a reload may lose some", { event: "no-steering" });
    }
    const maxConnections = this.#maxConnections = raiseFileLimit(calls);
    const rollout = new Rollout({ log: this.#log, observatory: this.#observatory, calls, maxConnections });
    const manager = this.#manager = new ServiceManager({ calls, log: this.#log });
    try {
      this.#rollout = rollout;
      await this.#apply(this.#plan);
      this.#log.info("ready", { event: "ready", pid: process.pid, workers: rollout.team.length });
      manager.ready(this.#status());
      manager.watch(() => rollout.isWell());
      started(listenAddresses(this.#plan));
      await this.#stopping;
      manager.stopping("draining");
      return await this.#drain(rollout);
    } finally {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      manager.close();
      this.#watch.stop();
      await this.#admin.close();
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

  #status(): string {
    const addresses = listenAddresses(this.#plan).map(({ address }) => address);
    return `serving ${addresses.join(", ")} with ${this.#rollout?.team.length} workers`;
  }

  #onSignal(signal: string): void {
    if (signal === "SIGUSR1") {
      this.#debugger?.shut();
      return this.#log.reopen();
    }
    if (signal === "SIGHUP") return void this.#reloads.request(signal);
    this.#log.info(this.#asked === 0 ? "draining" : "stopping now", {
      event: this.#asked === 0 ? "drain" : "stop-now",
      signal,
      active: this.#observatory.ledger.totals().reduce((sum, { active }) => sum + active, 0),
    });
    this.stop();
  }

  /**
   * Serves by `plan`, the first time or instead of another.
   * @throws {Error} where that fails; then everything is as it was
   */
  async #apply(plan: Plan): Promise<void> {
    const rollout = this.#rollout!;
    const old = this.#plan;
    const { plan: resolved, keep } = await this.#addresses.resolve(plan, rollout.doors.addresses);
    const undo: (() => void | Promise<void>)[] = [];
    try {
      const admin = await this.#admin.prepare(resolved.config.admin);
      undo.push(admin.revert);
      if (JSON.stringify(old.config.log) !== JSON.stringify(resolved.config.log)) {
        this.#log.configure(resolved.config.log);
        undo.push(() => this.#log.configure(old.config.log));
      }
      // Before the workers get their memory, which depends on it.
      observePlan(resolved, this.#observatory);
      undo.push(() => observePlan(old, this.#observatory));
      checkFileLimit(resolved, this.#maxConnections, this.#log);
      await rollout.deploy(resolved, workerCount(resolved));
      admin.commit();
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
    this.#plan = resolved;
    keep();
    this.#watch.watch(resolved.watch.files, resolved.watch.seen);
    const known = new Set(old === plan ? [] : listenAddresses(old).map(({ address }) => address));
    for (const { listener, address } of listenAddresses(resolved)) {
      if (!known.has(address)) this.#log.info("listening", { event: "listening", listener, address });
    }
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
}

function workerCount({ config: { workers } }: Plan): number {
  if (workers !== "auto") return workers;
  return sharesPorts() ? availableCpus() : 1;
}

function listenAddresses({ config }: Plan): { listener: string; address: string }[] {
  return config.listeners.flatMap(({ name, listen }) =>
    listen.map((address) => ({ listener: name, address: formatAddress(address) }))
  );
}
