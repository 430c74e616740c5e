import process from "node:process";
import { type DebuggerGuard, openDebuggerGuard } from "../linux/debugger_guard.ts";
import { loadSocketCalls } from "../linux/socket_calls.ts";
import type { RootLog } from "../log/log.ts";
import { ServiceManager } from "../systemd/service_manager.ts";
import { Deployments } from "./deployments.ts";
import { drain } from "./drain.ts";
import type { Monitor } from "./monitor.ts";
import type { Plan, PlanResult } from "./plan/plan.ts";
import { Reloads } from "./reloads.ts";
import { ServedPlan } from "./served_plan.ts";
import { raiseFileLimit } from "./sockets/file_limit.ts";
import { StopRequests } from "./stop_requests.ts";

/** Exit codes: the drain was complete, or connections were cut. */
const EXIT_DRAINED = 0;
export const EXIT_CUT = 3;

/** Called with the bound addresses when all of them accept. */
export type Started = (addresses: { listener: string; address: string }[]) => void;

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"] as const;

/** Options of {@linkcode Supervisor}. */
interface SupervisorOptions {
  plan: Plan;
  /** Reads everything anew, for a reload. */
  load: () => Promise<PlanResult>;
  log: RootLog;
  monitor: Monitor;
  /** Whether SIGHUP ends the program, as it ends one that runs in a terminal, instead of a reload. @default {false} */
  endsOnHangup?: boolean;
}

/** Runs the proxy until a signal ends it; resolves with the exit code. */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #reloads: Reloads;
  readonly #stops = new StopRequests();
  /** The rest is there once the program runs. */
  #deployments: Deployments | null = null;
  #served: ServedPlan | null = null;
  #manager: ServiceManager | null = null;
  #debugger: DebuggerGuard | null = null;
  #stop: (by: string) => void = () => {};
  #stopNow: () => void = () => {};
  readonly #stopping: Promise<string>;
  readonly #stoppingNow: Promise<void>;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#stopping = new Promise((resolve) => this.#stop = resolve);
    this.#stoppingNow = new Promise((resolve) => this.#stopNow = resolve);
    const { log, monitor, load } = options;
    this.#reloads = new Reloads({
      log,
      monitor,
      load,
      apply: (plan) => this.#served!.serve(plan),
      begun: () => this.#manager?.reloading(),
      ended: () => {
        // The service manager was told that the process stops.
        if (!this.#stops.asked) this.#manager?.ready(this.#status());
      },
      refusal: () => this.#stops.asked ? "draining" : this.#served === null ? "not ready" : null,
    });
  }

  /**
   * Binds every listener and serves.
   * @throws {Error} when an address cannot be bound
   */
  async run(started: Started = () => {}): Promise<number> {
    const { log, monitor, plan } = this.#options;
    const onSignal = (signal: string) => this.#onSignal(signal);
    // This comes before the first connection, because Deno panics if it starts listening for signals without
    // descriptors.
    for (const signal of SIGNALS) process.on(signal, onSignal);
    this.#debugger = openDebuggerGuard();
    monitor.start();
    const calls = await loadSocketCalls();
    const maxConnections = raiseFileLimit(calls);
    const deployments = this.#deployments = new Deployments({ log, monitor, calls, maxConnections });
    const manager = this.#manager = new ServiceManager({ calls, log });
    const served = this.#served = new ServedPlan({
      log,
      monitor,
      deployments,
      calls,
      maxConnections,
      control: {
        draining: () => this.#stops.asked,
        reload: () => this.#reloads.request("POST /reload"),
        drain: () => {
          if (!this.#stops.asked) this.stop("POST /drain");
        },
      },
      filesChanged: () => this.#reloads.request("files changed"),
    });
    try {
      await served.serve(plan);
      if (calls !== null && !calls.steers) {
        log.warn("the kernel steers no connections here: a reload may lose some", { event: "no-steering" });
      }
      log.info("ready", { event: "ready", pid: process.pid, workers: deployments.serving.length });
      manager.ready(this.#status());
      manager.watch(() => deployments.isWell());
      // The log is flushed first, so that what `started` prints comes after the records of the start.
      await log.flush();
      started(served.listenAddresses);
      const by = await this.#stopping;
      manager.stopping("draining");
      await served.stop();
      const cut = await drain(deployments, this.#stoppingNow, {
        log,
        graceMs: served.graceMs,
        active: () => this.#active(),
        interactive: by === "SIGINT",
      });
      return cut === 0 ? EXIT_DRAINED : EXIT_CUT;
    } finally {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      manager.close();
      await served.close();
      await deployments.end();
      monitor.stop();
    }
  }

  /**
   * Begins to drain; the second time, stops at once.
   * @param by the signal, or another source of the request
   */
  stop(by: string): void {
    const step = this.#stops.request(by, performance.now());
    if (step === "repeated") return;
    this.#options.log.info(step === "drain" ? "draining" : "stopping now", {
      event: step,
      signal: by,
      active: this.#active(),
    });
    if (step === "drain") this.#stop(by);
    else this.#stopNow();
  }

  /** Lets a worker die by an error, so that tests can see it replaced. Nothing from outside can cause that. */
  async crashWorker(index: number): Promise<void> {
    const worker = this.#deployments?.serving.find(({ handle }) => handle.index === index);
    await worker?.handle.ask({ type: "crash" });
  }

  #status(): string {
    const addresses = this.#served!.listenAddresses.map(({ address }) => address);
    return `serving ${addresses.join(", ")} with ${this.#deployments?.serving.length} workers`;
  }

  #onSignal(signal: string): void {
    if (signal === "SIGUSR1") {
      this.#debugger?.shut(this.#served?.addresses ?? []);
      return this.#options.log.reopen();
    }
    if (signal === "SIGHUP" && !this.#options.endsOnHangup) return void this.#reloads.request(signal);
    this.stop(signal);
  }

  /** How many connections there are now. */
  #active(): number {
    return this.#options.monitor.counters.totals().reduce((sum, { active }) => sum + active, 0);
  }
}
