import { addressesOf, type TargetConfig } from "../../config/config.ts";
import { formatAddress } from "../../net/address.ts";
import type { Monitor } from "../monitor.ts";
import type { ListenerShape } from "../../metrics/rows.ts";
import type { Plan } from "./plan.ts";

/** Tells the monitor about a plan: what to observe, the engines, and when certificates expire. */
export function monitorPlan({ config, listeners }: Plan, monitor: Monitor): void {
  monitor.configure(config);
  monitor.engines = new Map(listeners.map(({ config, tls }) => [config.name, tls.engine]));
  monitor.certificates = listeners.flatMap(({ config, tls }) =>
    tls.certificateInfos.map(({ name, notAfter }) => ({ listener: config.name, name, notAfterMs: notAfter }))
  );
  monitor.revocationLists = listeners.flatMap(({ config, tls }) =>
    tls.revocationLists.map(({ info: { issuer, nextUpdate, entries } }) => ({
      listener: config.name,
      issuer,
      nextUpdateMs: nextUpdate,
      entries,
    }))
  );
}

/** The listeners as the counters need to know them. */
export function listenerShapes({ listeners }: Plan): ListenerShape[] {
  const shape = (target: TargetConfig, name: string) => ({ name, backends: addressesOf(target).map(formatAddress) });
  return listeners.map(({ config }) => ({
    ...shape(config, config.name),
    routes: config.routes.map((route) => shape(route, route.name)),
  }));
}
