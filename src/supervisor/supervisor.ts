import process from "node:process";
import { Acme } from "../acme/acme.ts";
import { systemClock } from "../acme/clock.ts";
import { formatAddress } from "../net/address.ts";
import type { RootLog } from "../log/log.ts";
import type { Monitor } from "./monitor.ts";
import { type DebuggerGuard, openDebuggerGuard } from "../linux/debugger_guard.ts";
import { loadSocketCalls, type SocketCalls } from "../linux/socket_calls.ts";
import { BoundAddresses } from "./sockets/bound_addresses.ts";
import { AdminEndpoint } from "./admin_endpoint.ts";
import { workerCount } from "./workers/worker_count.ts";
import { BackendHealth } from "./backend_health.ts";
import { Readiness } from "./readiness.ts";
import { drain } from "./drain.ts";
import { checkFileLimit, raiseFileLimit } from "./sockets/file_limit.ts";
import { HealthProber } from "./health_prober.ts";
import { FileWatch } from "../files/file_watch.ts";
import type { Challenge } from "../tls/challenge/challenge.ts";
import type { AcmeCircumstances } from "./acme_tls.ts";
import { replanAcme, uncertifiedListener } from "./replan_acme.ts";
import { monitorPlan } from "./monitor_plan.ts";
import type { Plan, PlanResult } from "./plan.ts";
import { RedirectEndpoint } from "./redirect_endpoint.ts";
import { Reloads } from "./reloads.ts";
import { Deployments } from "./deployments.ts";
import { StopRequests } from "./stop_requests.ts";
import { ServiceManager } from "../systemd/service_manager.ts";

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
  readonly #log: RootLog;
  readonly #monitor: Monitor;
  readonly #endsOnHangup: boolean;
  readonly #admin: AdminEndpoint;
  readonly #reloads: Reloads;
  #plan: Plan;
  #deployments: Deployments | null = null;
  #manager: ServiceManager | null = null;
  #debugger: DebuggerGuard | null = null;
  readonly #watch = new FileWatch(() => this.#reloads.request("files changed"));
  readonly #addresses = new BoundAddresses();
  readonly #health = new BackendHealth();
  readonly #prober: HealthProber;
  readonly #redirect: RedirectEndpoint;
  readonly #acme: Acme;
  /** The challenges that are answered now, for the validation of names. */
  #challenges: Challenge[] = [];
  /** `null` on a runtime without them. */
  #calls: SocketCalls | null = null;
  /** Reloads and ordered certificates are brought into service one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #maxConnections = 0;
  readonly #stops = new StopRequests();
  #stop: (by: string) => void = () => {};
  #stopNow: () => void = () => {};
  readonly #stopping: Promise<string>;
  readonly #stoppingNow: Promise<void>;

  constructor({ plan, load, log, monitor, endsOnHangup = false }: SupervisorOptions) {
    this.#plan = plan;
    this.#log = log;
    this.#monitor = monitor;
    this.#endsOnHangup = endsOnHangup;
    this.#stopping = new Promise((resolve) => this.#stop = resolve);
    this.#stoppingNow = new Promise((resolve) => this.#stopNow = resolve);
    const readiness = new Readiness(() => this.#health.backends);
    this.#prober = new HealthProber(log);
    this.#reloads = new Reloads({
      log,
      monitor,
      load,
      apply: async (plan) => {
        await this.#inTurn(() => this.#apply(plan));
        this.#followAcme();
      },
      begun: () => this.#manager?.reloading(),
      ended: () => {
        // The service manager was told that the process stops.
        if (!this.#stops.asked) this.#manager?.ready(this.#status());
      },
      refusal: () => this.#stops.asked ? "draining" : this.#deployments === null ? "not ready" : null,
    });
    monitor.backends = this.#health;
    this.#redirect = new RedirectEndpoint(monitor);
    this.#acme = new Acme({
      clock: systemClock,
      log,
      userAgent: `tls-off/${monitor.options.version}`,
      serve: (challenges) => this.#redeploy(challenges),
      certified: () => this.#redeploy(this.#challenges),
    });
    this.#admin = new AdminEndpoint(monitor, {
      unready: async () => uncertifiedListener(this.#plan) ?? await readiness.unready(),
      draining: () => this.#stops.asked,
      reload: () => this.#reloads.request("POST /reload"),
      drain: () => {
        if (!this.#stops.asked) this.stop("POST /drain");
      },
    });
  }

  /**
   * Binds every listener and serves.
   * @throws {Error} when an address cannot be bound
   */
  async run(started: Started = () => {}): Promise<number> {
    const onSignal = (signal: string) => this.#onSignal(signal);
    // This comes before the first connection, because Deno panics if it starts listening for signals without
    // descriptors.
    for (const signal of SIGNALS) process.on(signal, onSignal);
    this.#debugger = openDebuggerGuard();
    this.#monitor.start();
    const calls = await loadSocketCalls();
    this.#calls = calls;
    const maxConnections = this.#maxConnections = raiseFileLimit(calls);
    const deployments = new Deployments({ log: this.#log, monitor: this.#monitor, calls, maxConnections });
    const manager = this.#manager = new ServiceManager({ calls, log: this.#log });
    try {
      this.#deployments = deployments;
      await this.#inTurn(() => this.#apply(this.#plan));
      if (calls !== null && !calls.steers) {
        this.#log.warn("the kernel steers no connections here: a reload may lose some", { event: "no-steering" });
      }
      this.#followAcme();
      this.#log.info("ready", { event: "ready", pid: process.pid, workers: deployments.serving.length });
      manager.ready(this.#status());
      manager.watch(() => deployments.isWell());
      // The log is flushed first, so that what `started` prints comes after the records of the start.
      await this.#log.flush();
      started(listenAddresses(this.#plan));
      const by = await this.#stopping;
      manager.stopping("draining");
      await this.#redirect.close();
      // Nothing more is to come into service; an order that is under way is given up meanwhile.
      void this.#acme.stop();
      const cut = await drain(deployments, this.#stoppingNow, {
        log: this.#log,
        graceMs: this.#plan.config.shutdown.graceMs,
        active: () => this.#active(),
        interactive: by === "SIGINT",
      });
      return cut === 0 ? EXIT_DRAINED : EXIT_CUT;
    } finally {
      for (const signal of SIGNALS) process.off(signal, onSignal);
      manager.close();
      this.#watch.stop();
      this.#prober.stop();
      await this.#redirect.close();
      await this.#acme.stop();
      await this.#admin.close();
      await deployments.end();
      this.#monitor.stop();
    }
  }

  /**
   * Begins to drain; the second time, stops at once.
   * @param by the signal, or another source of the request
   */
  stop(by: string): void {
    const step = this.#stops.request(by, performance.now());
    if (step === "repeated") return;
    this.#log.info(step === "drain" ? "draining" : "stopping now", {
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
    const addresses = listenAddresses(this.#plan).map(({ address }) => address);
    return `serving ${addresses.join(", ")} with ${this.#deployments?.serving.length} workers`;
  }

  #onSignal(signal: string): void {
    if (signal === "SIGUSR1") {
      this.#debugger?.shut(this.#servedAddresses());
      return this.#log.reopen();
    }
    if (signal === "SIGHUP" && !this.#endsOnHangup) return void this.#reloads.request(signal);
    this.stop(signal);
  }

  /** Where this process listens, for clients and for whoever runs it. */
  #servedAddresses(): string[] {
    const { admin, redirect } = this.#plan.config;
    const others = [admin.listen, redirect.listen].filter((address) => address !== null).map(formatAddress);
    return [...this.#deployments?.sockets.addresses ?? [], ...others];
  }

  /** How many connections there are now. */
  #active(): number {
    return this.#monitor.counters.totals().reduce((sum, { active }) => sum + active, 0);
  }

  /**
   * Serves by `plan`, for the first time or instead of another plan.
   * @throws {Error} where that fails; then nothing has changed
   */
  async #apply(loaded: Plan): Promise<void> {
    const deployments = this.#deployments!;
    const old = this.#plan;
    const { plan: found, keep } = await this.#addresses.resolve(loaded, deployments.sockets.addresses);
    const resolved = await replanAcme(found, this.#acmeCircumstances(this.#challenges));
    const undo: (() => void | Promise<void>)[] = [];
    try {
      const admin = await this.#admin.prepare(resolved.config.admin);
      undo.push(admin.revert);
      const redirect = await this.#redirect.prepare(resolved.config.redirect.listen, resolved.redirectFd);
      undo.push(redirect.revert);
      if (JSON.stringify(old.config.log) !== JSON.stringify(resolved.config.log)) {
        this.#log.configure(resolved.config.log);
        undo.push(() => this.#log.configure(old.config.log));
      }
      // The monitor must know the plan before the workers get their memory, which depends on it.
      monitorPlan(resolved, this.#monitor);
      undo.push(() => monitorPlan(old, this.#monitor));
      this.#health.allocate(resolved.listeners);
      checkFileLimit(resolved, this.#maxConnections, this.#log);
      await deployments.deploy(resolved, workerCount(resolved.config));
      admin.commit();
      redirect.commit();
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    }
    this.#plan = resolved;
    this.#followBackends();
    keep();
    this.#watch.watch(resolved.watch.files, resolved.watch.seen);
    const known = new Set(old === loaded ? [] : listenAddresses(old).map(({ address }) => address));
    for (const { listener, address } of listenAddresses(resolved)) {
      if (!known.has(address)) this.#log.info("listening", { event: "listening", listener, address });
    }
  }

  /** Knows, and probes, the backends of the plan. */
  #followBackends(): void {
    this.#health.serve(this.#plan.listeners);
    this.#prober.follow(this.#health.backends);
  }

  /** Begins to order the certificates that the plan asks for. */
  #followAcme(): void {
    const { acme, listeners } = this.#plan;
    this.#monitor.acme = acme === null ? null : this.#acme;
    const lists = listeners.map(({ config }) => config.acme).filter((names) => names.length > 0);
    this.#acme.configure(acme, lists).catch((error) => {
      this.#log.error("certificates can't be ordered", {
        event: "acme-storage",
        error: String(error.message ?? error),
      });
    });
    const waiting = uncertifiedListener(this.#plan);
    if (waiting !== null) {
      this.#log.warn(`${waiting}: clients get the alert unrecognized_name`, { event: "acme-waiting" });
    }
  }

  #acmeCircumstances(challenges: Challenge[]): AcmeCircumstances {
    const calls = this.#calls;
    // The kernel is asked where certificates are ordered, so that nobody waits for that at other starts.
    return {
      challenges,
      get steers() {
        return calls?.steers ?? false;
      },
    };
  }

  /** Serves with the certificates that are in the storage now, and answers these challenges. */
  #redeploy(challenges: Challenge[]): Promise<void> {
    return this.#inTurn(async () => {
      const deployments = this.#deployments;
      if (deployments === null || this.#stops.asked) return;
      const old = this.#plan;
      const plan = await replanAcme(old, this.#acmeCircumstances(challenges));
      if (plan !== old) {
        monitorPlan(plan, this.#monitor);
        try {
          await deployments.deploy(plan, workerCount(plan.config), false);
        } catch (error) {
          monitorPlan(old, this.#monitor);
          // A drain that has begun meanwhile needs no other certificate.
          if (this.#stops.asked) return;
          throw error;
        }
      }
      this.#plan = plan;
      this.#followBackends();
      this.#challenges = challenges;
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => {});
    return result;
  }
}

function listenAddresses({ config }: Plan): { listener: string; address: string }[] {
  return config.listeners.flatMap(({ name, listen }) =>
    listen.map((address) => ({ listener: name, address: formatAddress(address) }))
  );
}
