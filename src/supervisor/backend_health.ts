import { addressesOf, type ListenerConfig, type TargetConfig } from "../config/config.ts";
import { type Address, formatAddress } from "../net/address.ts";
import type { BackendState } from "../metrics/sources.ts";
import { allocateHealth, Health, thresholdsOf } from "../proxy/health.ts";
import type { EngineName } from "../runtimes/name.ts";
import type { ListenerPlan } from "./plan/plan.ts";

/** One backend of one route, or of a listener itself, as the main thread knows it. */
export interface KnownBackend {
  listener: string;
  /** "" for the listener's own. */
  route: string;
  name: string;
  address: Address;
  target: TargetConfig;
  /** What a request of a probe names as its host. */
  host: string;
  engine: EngineName;
  health: Health;
  checks: { ok: number; failed: number };
}

/**
 * The backends of the plan that serves. The memory of their health is given to the workers with the plan, and kept over
 * reloads as long as the backend is there.
 */
export class BackendHealth {
  readonly #memory = new Map<string, SharedArrayBuffer>();
  readonly #checks = new Map<string, KnownBackend["checks"]>();
  #backends: KnownBackend[] = [];

  /** All backends in the order of the plan. */
  get backends(): readonly KnownBackend[] {
    return this.#backends;
  }

  /** For metrics and the page. */
  get states(): BackendState[] {
    return this.#backends.map(({ listener, route, name, health, target, checks }) => ({
      listener,
      route,
      backend: name,
      isUp: !health.isDown,
      checks: target.health.intervalMs > 0 ? checks : null,
    }));
  }

  /** Gives the listeners of a plan the memory of their backends; what serves now stays as it is. */
  allocate(listeners: ListenerPlan[]): void {
    for (const listener of listeners) {
      const { config } = listener;
      listener.health = targets(config).map(({ route, target }) =>
        addressesOf(target).map((address) => {
          const key = keyOf(config.name, route, address);
          const memory = this.#memory.get(key) ?? allocateHealth();
          this.#memory.set(key, memory);
          return memory;
        })
      );
    }
  }

  /** The plan serves now; what no plan has any more is forgotten. */
  serve(listeners: ListenerPlan[]): void {
    this.#backends = listeners.flatMap(({ config, tls }) =>
      targets(config).flatMap(({ route, target, host }) =>
        addressesOf(target).map((address): KnownBackend => {
          const key = keyOf(config.name, route, address);
          const checks = this.#checks.get(key) ?? { ok: 0, failed: 0 };
          this.#checks.set(key, checks);
          return {
            listener: config.name,
            route,
            name: formatAddress(address),
            address,
            target,
            host,
            engine: tls.engine,
            health: new Health(this.#memory.get(key)!, thresholdsOf(target.health)),
            checks,
          };
        })
      )
    );
    const used = new Set(this.#backends.map(({ listener, route, address }) => keyOf(listener, route, address)));
    for (const map of [this.#memory, this.#checks]) {
      for (const key of [...map.keys()]) if (!used.has(key)) map.delete(key);
    }
  }
}

function targets(config: ListenerConfig): { route: string; target: TargetConfig; host: string }[] {
  return [
    { route: "", target: config, host: "localhost" },
    ...config.routes.map((route) => ({
      route: route.name,
      target: route,
      host: route.serverNames.find((name) => !name.startsWith("*.")) ?? "localhost",
    })),
  ];
}

function keyOf(listener: string, route: string, address: Address): string {
  return JSON.stringify([listener, route, formatAddress(address)]);
}
