import { availableParallelism } from "node:os";

/**
 * How many CPUs this process may use, by its affinity and the quota of its control group, as the runtime reads them.
 */
export function availableCpus(): number {
  // On Deno node:os needs --allow-sys, while navigator gives the same number without it.
  return Math.max(1, globalThis.navigator?.hardwareConcurrency ?? availableParallelism());
}
