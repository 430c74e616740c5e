import { formatAddress } from "../config/address.ts";
import type { Observatory } from "../observe/observatory.ts";
import type { ListenerShape } from "../observe/rows.ts";
import type { Plan } from "./plan.ts";

/** Tells the observatory what a plan brings: what is watched, the engines, when certificates expire. */
export function observePlan({ config, listeners }: Plan, observatory: Observatory): void {
  observatory.configure(config);
  observatory.engines = new Map(listeners.map(({ config, tls }) => [config.name, tls.engine]));
  observatory.certificates = listeners.flatMap(({ config, tls }) =>
    tls.certificateInfos.map(({ name, notAfter }) => ({ listener: config.name, name, notAfterMs: notAfter }))
  );
}

/** What the counters have to know of the listeners. */
export function listenerShapes({ listeners }: Plan): ListenerShape[] {
  return listeners.map(({ config }) => ({ name: config.name, backends: config.backend.map(formatAddress) }));
}
