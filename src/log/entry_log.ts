import type { LogLevel } from "../config/config.ts";
import { FailureLimiter } from "./failure_limiter.ts";
import { TIME } from "./fields.ts";
import type { Log } from "./log.ts";
import type { Entry } from "./worker_monitor.ts";
import { isTurnedAway } from "../metrics/record.ts";
import { describeReason, type Reason } from "../metrics/reasons.ts";

/** Records of connections that were turned away, by all workers together: at once, and in the long run. */
const FAILURE_BURST = 100;
const FAILURES_PER_SECOND = 5;

/** Writes the workers' entries to the log. Records of connections that were turned away are limited in rate. */
export class EntryLog {
  /** Records not written since the start, because there were too many. */
  suppressed = 0;
  readonly #limiter = new FailureLimiter(FAILURE_BURST, FAILURES_PER_SECOND);

  constructor(private readonly log: Log) {}

  write(entry: Entry): void {
    switch (entry.kind) {
      case "connection": {
        const { record } = entry;
        const turnedAway = isTurnedAway(record);
        if (turnedAway && !this.#mayWrite(record.reason)) return;
        const message = turnedAway ? "connection turned away" : "connection closed";
        return this.log[describeReason(record.reason).level](message, {
          event: "connection",
          ...record,
          [TIME]: new Date(entry.atMs),
        });
      }
      case "rejected": {
        if (!this.#mayWrite(entry.reason)) return;
        const { listener, worker, client, reason, error } = entry;
        const at = { [TIME]: new Date(entry.atMs) };
        const fields = { event: "rejected" as const, listener, worker, client, reason, ...(error && { error }), ...at };
        return this.log.info("connection turned away", fields);
      }
      case "suppressed":
        this.suppressed += entry.count;
        return this.#limiter.suppress(entry.reason, entry.count);
      case "log": {
        const level: LogLevel = entry.level;
        return this.log[level](entry.message, { ...entry.fields, [TIME]: new Date(entry.atMs) });
      }
    }
  }

  /** Logs how many records were suppressed since the last call. */
  report(): void {
    const report = this.#limiter.report();
    if (report === null) return;
    const count = [...report.values()].reduce((sum, one) => sum + one, 0);
    this.log.warn("connections turned away were too many to log each", {
      event: "suppressed",
      count,
      ...Object.fromEntries([...report].map(([reason, one]) => [reason.replaceAll("-", "_"), one])),
    });
  }

  #mayWrite(reason: Reason): boolean {
    if (this.#limiter.take(reason, performance.now())) return true;
    this.suppressed++;
    return false;
  }
}
