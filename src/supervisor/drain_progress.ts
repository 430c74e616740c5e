import { clearInterval, setInterval } from "node:timers";
import type { Log } from "../log/log.ts";

const REPORT_MS = 5_000;

/** Options of {@linkcode reportDrain}. */
interface DrainProgress {
  log: Log;
  /** How long the connections may take, in milliseconds. */
  graceMs: number;
  /** Returns the number of present connections. */
  active: () => number;
  /** Whether the drain was requested by Ctrl-C, so that someone watches the terminal. */
  interactive: boolean;
}

/**
 * Logs at once, and then each 5 s, how many connections a drain waits for. Logs nothing where there are none.
 * @returns a function that ends the reports
 */
export function reportDrain({ log, graceMs, active, interactive }: DrainProgress): () => void {
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
