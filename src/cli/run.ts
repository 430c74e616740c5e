import process from "node:process";
import type { ConfigFlags } from "../config/flags.ts";
import { releaseMemorySoon } from "../engines/shared/release_memory.ts";
import { createLogger } from "../log/log.ts";
import { Monitor } from "../supervisor/monitor.ts";
import { judgeKeyLog, readKeyLog } from "../runtimes/key_log.ts";
import { runtimeTitle } from "../runtimes/name.ts";
import { loadPlan, type Plan, type PlanResult } from "../supervisor/plan/plan.ts";
import { type Started, Supervisor } from "../supervisor/supervisor.ts";
import { VERSION } from "./version.ts";

/** What `run` was asked on the command line. */
export interface RunOptions {
  /** Path of the configuration; `null` for flags alone. */
  file: string | null;
  flags: ConfigFlags;
  /** Start although the runtime writes the secrets of sessions to a file. */
  allowKeyLog: boolean;
}

/**
 * `tls-off run`: serves until a signal ends it.
 * @param complain receives each line of what is wrong
 * @returns the exit code
 * @throws {Error} the runtime would write the secrets of sessions to a file, without `allowKeyLog`
 */
export async function run(
  { file, flags, allowKeyLog }: RunOptions,
  complain: (line: string) => void,
): Promise<number> {
  const keyLog = judgeKeyLog(readKeyLog(), allowKeyLog);
  if (keyLog.refusal !== null) throw new Error(keyLog.refusal);
  const { plan, errors, warnings } = await loadPlan(file, flags);
  if (plan === null) {
    for (const line of [...errors, ...warnings]) complain(line);
    return 1;
  }
  if (keyLog.warning !== null) warnings.push(keyLog.warning);
  return await serve({ plan, warnings, load: () => loadPlan(file, flags) });
}

/** Options of {@linkcode serve}. */
interface ServeOptions {
  plan: Plan;
  warnings: string[];
  /** Reads everything anew, for a reload. */
  load: () => Promise<PlanResult>;
  started?: Started;
  /** As in the supervisor. */
  endsOnHangup?: boolean;
}

/**
 * Opens the log, serves a plan until a signal ends it, and closes the log.
 * @throws {Error} when the log file cannot be opened
 */
export async function serve({ plan, warnings, load, started, endsOnHangup }: ServeOptions): Promise<number> {
  const log = createLogger(plan.config.log);
  const monitor = new Monitor({ log, version: VERSION, runtime: runtimeTitle() });
  try {
    log.info("starting", { event: "start", version: VERSION, runtime: runtimeTitle() });
    for (const warning of warnings) log.warn(warning, { event: "configuration" });
    return await new Supervisor({ plan, load, log, monitor, endsOnHangup }).run((addresses) => {
      // What only the start has needed.
      releaseMemorySoon();
      started?.(addresses);
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.error(message, { event: "start-failed" });
    // Someone who starts the program on a terminal looks there first, wherever the log goes.
    if (!log.onStderr) process.stderr.write(`tls-off: ${message}\n`);
    return 1;
  } finally {
    await log.close();
  }
}
