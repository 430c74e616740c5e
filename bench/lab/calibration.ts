import { fileURLToPath } from "node:url";
import type { Lab } from "./lab.ts";

/** What the proxy's CPU did between rounds: always the same work. */
export interface Calibration {
  /** Of the round that began next; `the end` after the last. */
  before: string;
  ms: number;
  /** The machine's one-minute load average, the bench's own work in it. */
  load: number;
}

const PROGRAM = fileURLToPath(new URL("./calibration_program.ts", import.meta.url));
/** Deviations from the shortest time above this mean that somebody else was at work. */
export const DISTURBED = 0.1;

/** Runs the loop on the proxy's CPU. */
export async function calibrate(lab: Lab, before: string): Promise<Calibration> {
  const output = await lab.run(Deno.execPath(), ["run", "--no-config", "--no-prompt", PROGRAM], lab.cpus.proxy);
  return { before, ms: JSON.parse(output).ms, load: Deno.loadavg()[0] };
}

/** The rounds before or after which the loop took longer than it can. */
export function disturbedRounds(calibrations: readonly Calibration[]): string[] {
  const limit = Math.min(...calibrations.map(({ ms }) => ms)) * (1 + DISTURBED);
  return calibrations.slice(0, -1)
    .filter(({ ms }, index) => ms > limit || calibrations[index + 1].ms > limit)
    .map(({ before }) => before);
}
