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
  return listeners.map(({ config }) => ({ name: config.name, backends: config.backend.map(formatAddress) }));
}
