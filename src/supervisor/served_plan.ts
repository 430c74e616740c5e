import { Acme } from "../acme/acme.ts";
import { systemClock } from "../acme/clock.ts";
import type { AdminControl } from "../admin/control.ts";
import { FileWatch } from "../files/file_watch.ts";
import type { SocketCalls } from "../linux/socket_calls.ts";
import type { RootLog } from "../log/log.ts";
import { formatAddress } from "../net/address.ts";
import type { Challenge } from "../tls/challenge/challenge.ts";
import { AdminEndpoint } from "./admin_endpoint.ts";
import { BackendHealth } from "./backend_health.ts";
import type { Deployments } from "./deployments.ts";
import { HealthProber } from "./health_prober.ts";
import type { Monitor } from "./monitor.ts";
import type { AcmeCircumstances } from "./plan/acme_tls.ts";
import { monitorPlan } from "./plan/monitor_plan.ts";
import type { Plan } from "./plan/plan.ts";
import { replanAcme, uncertifiedListener } from "./plan/replan_acme.ts";
import { Readiness } from "./readiness.ts";
import { RedirectEndpoint } from "./redirect_endpoint.ts";
import { BoundAddresses } from "./sockets/bound_addresses.ts";
import { checkFileLimit } from "./sockets/file_limit.ts";
import { workerCount } from "./workers/worker_count.ts";

/** Options of {@linkcode ServedPlan}. */
interface ServedPlanOptions {
  log: RootLog;
  monitor: Monitor;
  deployments: Deployments;
  /** `null` on a runtime without them. */
  calls: SocketCalls | null;
  /** How many connections there are descriptors for. */
  maxConnections: number;
  /** What the admin endpoint may ask for. */
  control: Omit<AdminControl, "unready">;
  /** Called when files of the plan have changed. */
  filesChanged: () => Promise<unknown>;
}

/**
 * The plan that is in service, with everything that follows it beside the workers: the admin endpoint, the redirect,
 * the probes, the watch of files, and the orders of certificates.
 */
export class ServedPlan {
  readonly #options: ServedPlanOptions;
  readonly #admin: AdminEndpoint;
  readonly #redirect: RedirectEndpoint;
  readonly #addresses = new BoundAddresses();
  readonly #health = new BackendHealth();
  readonly #prober: HealthProber;
  readonly #watch: FileWatch;
  readonly #acme: Acme;
  #plan: Plan | null = null;
  /** The plan that is being brought into service. */
  #next: Plan | null = null;
  /** The challenges that are answered now, for the validation of names. */
  #challenges: Challenge[] = [];
  /** Reloads and ordered certificates are brought into service one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ServedPlanOptions) {
    this.#options = options;
    const { log, monitor, control } = options;
    monitor.backends = this.#health;
    const readiness = new Readiness(() => this.#health.backends);
    this.#admin = new AdminEndpoint(monitor, {
      ...control,
      unready: async () => (this.#plan && uncertifiedListener(this.#plan)) ?? await readiness.unready(),
    });
    this.#redirect = new RedirectEndpoint(monitor);
    this.#prober = new HealthProber(log);
    this.#watch = new FileWatch(options.filesChanged);
    this.#acme = new Acme({
      clock: systemClock,
      log,
      userAgent: `tls-off/${monitor.options.version}`,
      serve: (challenges) => this.#redeploy(challenges),
      certified: () => this.#redeploy(this.#challenges),
    });
  }

  /** Where the listeners of the plan listen; none before it is in service. */
  get listenAddresses(): { listener: string; address: string }[] {
    return this.#plan === null ? [] : listenAddresses(this.#plan);
  }

  /** Where this process listens, for clients and for whoever runs it. */
  get addresses(): string[] {
    const plans = [this.#plan, this.#next].filter((plan) => plan !== null);
    const others = plans.flatMap(({ config: { admin, redirect } }) => [admin.listen, redirect.listen]);
    return [
      ...this.#options.deployments.sockets.addresses,
      ...others.filter((address) => address !== null).map(formatAddress),
    ];
  }

  /** How long connections may go on when the process stops, in milliseconds. */
  get graceMs(): number {
    return this.#plan?.config.shutdown.graceMs ?? 0;
  }

  /**
   * Serves by `plan`, for the first time or instead of another plan.
   * @throws {Error} where that fails; then nothing has changed
   */
  async serve(plan: Plan): Promise<void> {
    await this.#inTurn(() => this.#apply(plan));
    this.#followAcme();
  }

  /** Lets nothing more come into service. What is served goes on, but for the redirect. */
  async stop(): Promise<void> {
    await this.#redirect.close();
    // An order that is under way is given up meanwhile.
    void this.#acme.stop();
  }

  async close(): Promise<void> {
    this.#watch.stop();
    this.#prober.stop();
    await this.#redirect.close();
    await this.#acme.stop();
    await this.#admin.close();
  }

  async #apply(loaded: Plan): Promise<void> {
    const { log, monitor, deployments, maxConnections } = this.#options;
    const old = this.#plan;
    const { plan: found, keep } = await this.#addresses.resolve(loaded, deployments.sockets.addresses);
    const resolved = await replanAcme(found, this.#acmeCircumstances(this.#challenges));
    this.#next = resolved;
    const undo: (() => void | Promise<void>)[] = [];
    try {
      const admin = await this.#admin.prepare(resolved.config.admin);
      undo.push(admin.revert);
      const redirect = await this.#redirect.prepare(resolved.config.redirect.listen, resolved.redirectFd);
      undo.push(redirect.revert);
      if (old !== null && JSON.stringify(old.config.log) !== JSON.stringify(resolved.config.log)) {
        log.configure(resolved.config.log);
        undo.push(() => log.configure(old.config.log));
      }
      // The monitor must know the plan before the workers get their memory, which depends on it.
      monitorPlan(resolved, monitor);
      if (old !== null) undo.push(() => monitorPlan(old, monitor));
      this.#health.allocate(resolved.listeners);
      checkFileLimit(resolved, maxConnections, log);
      await deployments.deploy(resolved, workerCount(resolved.config));
      admin.commit();
      redirect.commit();
    } catch (error) {
      for (const step of undo.reverse()) await step();
      throw error;
    } finally {
      this.#next = null;
    }
    const known = new Set(this.listenAddresses.map(({ address }) => address));
    this.#plan = resolved;
    this.#followBackends(resolved);
    keep();
    this.#watch.watch(resolved.watch.files, resolved.watch.seen);
    for (const { listener, address } of listenAddresses(resolved)) {
      if (!known.has(address)) log.info("listening", { event: "listening", listener, address });
    }
  }

  /** Knows, and probes, the backends of the plan. */
  #followBackends({ listeners }: Plan): void {
    this.#health.serve(listeners);
    this.#prober.follow(this.#health.backends);
  }

  /** Begins to order the certificates that the plan asks for. */
  #followAcme(): void {
    const { log, monitor } = this.#options;
    const plan = this.#plan!;
    monitor.acme = plan.acme === null ? null : this.#acme;
    const lists = plan.listeners.map(({ config }) => config.acme).filter((names) => names.length > 0);
    this.#acme.configure(plan.acme, lists).catch((error) => {
      log.error("certificates can't be ordered", { event: "acme-storage", error: String(error.message ?? error) });
    });
    const waiting = uncertifiedListener(plan);
    if (waiting !== null) {
      log.warn(`${waiting}: clients get the alert unrecognized_name`, { event: "acme-waiting" });
    }
  }

  #acmeCircumstances(challenges: Challenge[]): AcmeCircumstances {
    const { calls } = this.#options;
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
      const { monitor, deployments, control } = this.#options;
      const old = this.#plan;
      if (old === null || control.draining()) return;
      const plan = await replanAcme(old, this.#acmeCircumstances(challenges));
      if (plan !== old) {
        monitorPlan(plan, monitor);
        try {
          await deployments.deploy(plan, workerCount(plan.config), false);
        } catch (error) {
          monitorPlan(old, monitor);
          // A drain that has begun meanwhile needs no other certificate.
          if (control.draining()) return;
          throw error;
        }
      }
      this.#plan = plan;
      this.#followBackends(plan);
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
