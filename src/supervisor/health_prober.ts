import { clearTimeout, setTimeout } from "node:timers";
import { isDescriptorLeft } from "../linux/is_descriptor_left.ts";
import type { Log } from "../log/log.ts";
import { logBackendChange } from "../proxy/log_backend_change.ts";
import type { KnownBackend } from "./backend_health.ts";
import { probeBackend, type Probed } from "./probe_backend.ts";

/**
 * By which part of the interval a probe comes earlier or later, so that many backends are not probed at the same
 * moment.
 */
const JITTER = 0.1;
/** The time over which the first probes of a plan are spread, at most. */
const FIRST_SPREAD_MS = 1_000;

interface Schedule {
  backend: KnownBackend;
  /** What is probed, and how; where that changes, probing begins anew. */
  settings: string;
  timer: ReturnType<typeof setTimeout> | null;
}

/** Probes every backend that is to be probed, for all workers. */
export class HealthProber {
  readonly #log: Log;
  readonly #probe: (backend: Probed) => Promise<string | null>;
  readonly #schedules = new Map<string, Schedule>();

  constructor(log: Log, probe: (backend: Probed) => Promise<string | null> = probeBackend) {
    this.#log = log;
    this.#probe = probe;
  }

  /** Probes these from now on, and no others. */
  follow(backends: readonly KnownBackend[]): void {
    const probed = new Map(
      backends.filter(({ target }) => target.health.intervalMs > 0).map((backend) => [keyOf(backend), backend]),
    );
    for (const [key, schedule] of [...this.#schedules]) {
      const backend = probed.get(key);
      if (backend !== undefined && settingsOf(backend) === schedule.settings) schedule.backend = backend;
      else this.#stop(key);
    }
    for (const [key, backend] of probed) {
      if (this.#schedules.has(key)) continue;
      const schedule: Schedule = { backend, settings: settingsOf(backend), timer: null };
      this.#schedules.set(key, schedule);
      this.#arm(schedule, Math.random() * Math.min(backend.target.health.intervalMs, FIRST_SPREAD_MS));
    }
  }

  stop(): void {
    for (const key of [...this.#schedules.keys()]) this.#stop(key);
  }

  #stop(key: string): void {
    const schedule = this.#schedules.get(key)!;
    this.#schedules.delete(key);
    if (schedule.timer !== null) clearTimeout(schedule.timer);
  }

  #arm(schedule: Schedule, delayMs: number): void {
    schedule.timer = setTimeout(() => void this.#run(schedule), delayMs);
    schedule.timer.unref();
  }

  async #run(schedule: Schedule): Promise<void> {
    const startMs = performance.now();
    const wrong = await this.#probe(schedule.backend);
    // It may have been told of other backends meanwhile.
    if (this.#schedules.get(keyOf(schedule.backend)) !== schedule) return;
    const { backend } = schedule;
    const { intervalMs } = backend.target.health;
    // Without a descriptor there is no probe, and no backend is to blame.
    if (wrong !== null && !isDescriptorLeft()) return this.#arm(schedule, intervalMs);
    if (wrong === null) backend.checks.ok++;
    else backend.checks.failed++;
    const changed = wrong === null ? backend.health.good() : backend.health.bad();
    if (changed) {
      const { listener, route, name } = backend;
      const labels = { listener, ...(route === "" ? {} : { route }), backend: name };
      logBackendChange(this.#log, labels, wrong === null, wrong ?? "probes are good");
    }
    const nextMs = intervalMs * (1 - JITTER + 2 * JITTER * Math.random());
    this.#arm(schedule, Math.max(0, nextMs - (performance.now() - startMs)));
  }
}

function keyOf({ listener, route, name }: KnownBackend): string {
  return JSON.stringify([listener, route, name]);
}

function settingsOf({ target: { health, proxyProtocol }, host, engine }: KnownBackend): string {
  return JSON.stringify([health, proxyProtocol, host, engine]);
}
