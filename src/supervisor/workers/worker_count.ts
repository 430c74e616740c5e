import type { Config } from "../../config/config.ts";
import { sharesPorts } from "../../engines/shared/shares_ports.ts";
import { availableCpus } from "./available_cpus.ts";

/** How many workers serve by a configuration. */
export function workerCount({ workers }: Config): number {
  if (workers !== "auto") return workers;
  return sharesPorts() ? availableCpus() : 1;
}
