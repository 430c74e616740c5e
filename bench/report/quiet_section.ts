import type { Results } from "../figures/results.ts";
import { DISTURBED, disturbedRounds } from "../lab/calibration.ts";
import { summarise } from "../figures/stats.ts";
import { formatFigure, formatPercent } from "./format.ts";

/** Whether the machine was quiet, as the calibration loop and the load average tell. */
export function quietSection({ machine, calibrations = [] }: Results): string {
  const before = `Load average when it began: ${machine.loadBefore.toFixed(2)} on ${machine.cpus} CPUs` +
    (machine.loadBefore > 0.3 * machine.cpus ? ". **The machine was not idle: take the figures with care.**" : ".");
  const summary = summarise(calibrations.map(({ ms }) => ms));
  if (summary === null) return before;
  const disturbed = disturbedRounds(calibrations);
  const shown = disturbed.slice(0, 12).join(", ") + (disturbed.length > 12 ? ", …" : "");
  const slowest = formatPercent(summary.max / summary.min - 1);
  const allowed = formatPercent(DISTURBED);
  return [
    before,
    `A loop that does always the same work on the proxy's CPU ran before each round and after the last, ` +
    `${summary.count} times: ${formatFigure(summary.median)} ms, ±${formatPercent(summary.spread)}, the slowest ` +
    `${slowest} above the fastest.`,
    disturbed.length === 0
      ? `No round had one beside it that was more than ${allowed} above the fastest.`
      : `${disturbed.length} of ${summary.count - 1} rounds had one beside them that was more than ${allowed} above ` +
        `the fastest, and may have been disturbed: ${shown}.`,
  ].join(" ");
}
