import { addressesOf, type TargetConfig } from "../config/config.ts";
import { formatAddress } from "../net/address.ts";
import type { Monitor } from "./monitor.ts";
import type { ListenerShape } from "../metrics/rows.ts";
import type { Plan } from "./plan.ts";

/** Tells the monitor what a plan brings: what is watched, the engines, when certificates expire. */
export function monitorPlan({ config, listeners }: Plan, monitor: Monitor): void {
  monitor.configure(config);
  monitor.engines = new Map(listeners.map(({ config, tls }) => [config.name, tls.engine]));
  monitor.certificates = listeners.flatMap(({ config, tls }) =>
    tls.certificateInfos.map(({ name, notAfter }) => ({ listener: config.name, name, notAfterMs: notAfter }))
  );
}

/** What the counters have to know of the listeners. */
export function listenerShapes({ listeners }: Plan): ListenerShape[] {
  const shape = (target: TargetConfig, name: string) => ({ name, backends: addressesOf(target).map(formatAddress) });
  return listeners.map(({ config }) => ({
    ...shape(config, config.name),
    routes: config.routes.map((route) => shape(route, route.name)),
  }));
}
