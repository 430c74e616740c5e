import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import type { Log } from "../log/log.ts";
import type { Deployments } from "./deployments.ts";

const REPORT_MS = 5_000;

interface DrainOptions {
  log: Log;
  /** How long the connections may take, in milliseconds. */
  graceMs: number;
  /** Returns the number of present connections. */
  active: () => number;
  /** Whether the drain was requested by Ctrl-C, so that someone watches the terminal. */
  interactive: boolean;
}

/**
 * Drains, and ends every connection that is left when the time is over, or before that when asked to.
 * @param stopping resolves when the connections are to end at once
 * @returns how many connections were cut
 */
export async function drain(deployments: Deployments, stopping: Promise<void>, options: DrainOptions): Promise<number> {
  const { log, graceMs } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const endReport = reportDrain(options);
  const outcome = await Promise.race([
    deployments.drain(graceMs).then(() => "drained" as const),
    stopping.then(() => "stopped" as const),
    new Promise<"expired">((resolve) => timer = setTimeout(() => resolve("expired"), graceMs)),
  ]);
  clearTimeout(timer);
  endReport();
  const cut = outcome === "drained" ? 0 : await deployments.cut();
  log.info("stopped", { event: "stop", outcome, cut });
  return cut;
}

/**
 * Logs at once, and then each 5 s, how many connections a drain waits for. Logs nothing where there are none.
 * @returns a function that ends the reports
 */
function reportDrain({ log, graceMs, active, interactive }: DrainOptions): () => void {
  const endMs = performance.now() + graceMs;
  const hint = interactive ? "press Ctrl-C again to stop now" : "a second signal stops at once";
  const report = () => {
    const count = active();
    const leftMs = Math.max(0, Math.round(endMs - performance.now()));
    if (count === 0) return;
    const connections = count === 1 ? "1 connection" : `${count} connections`;
    log.info(`waiting up to ${Math.ceil(leftMs / 1000)} s for ${connections}; ${hint}`, {
      event: "drain-waiting",
      active: count,
      left_ms: leftMs,
    });
  };
  report();
  const timer = setInterval(report, REPORT_MS);
  timer.unref();
  return () => clearInterval(timer);
}
