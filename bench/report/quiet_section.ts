import type { Results } from "../figures/results.ts";
import { disturbedRounds } from "../lab/calibration.ts";
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
  const slowest = formatPercent(summary.max / summary.median - 1);
  return [
    before,
    `A loop that does always the same work on the proxy's CPU ran before each round and after the last, ` +
    `${summary.count} times: ${formatFigure(summary.median)} ms, ±${
      formatPercent(summary.spread)
    }, the slowest ${slowest} above.`,
    disturbed.length === 0
      ? "No round had one beside it that was more than 10 % above: the machine was quiet."
      : `Rounds with one beside them that was more than 10 % above, which somebody else may have disturbed: ${shown}.`,
  ].join(" ");
}
