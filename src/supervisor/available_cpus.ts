import { availableParallelism } from "node:os";

/** The CPUs that this process may use: its affinity, and the quota of its control group, as the runtime reads them. */
export function availableCpus(): number {
  // Deno keeps node:os to itself without --allow-sys, and gives the same number here.
  return Math.max(1, globalThis.navigator?.hardwareConcurrency ?? availableParallelism());
}
