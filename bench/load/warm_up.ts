import type { Lab } from "../lab/lab.ts";
import { startLoad } from "./load.ts";

/** How long it takes. */
export const WARM_UP_MS = 1000;

/** Load before the measurement, which is not counted. */
export async function warmUp(lab: Lab, url: string, postBytes?: number): Promise<void> {
  const load = await startLoad(lab, { url, connections: 20, durationMs: WARM_UP_MS, postBytes });
  await load.process.ended;
}
