import type { Reason } from "../metrics/reasons.ts";

/**
 * A token bucket for records that anybody on the network can cause, so that a scanner cannot fill the disk. What it
 * suppresses is counted by reason.
 */
export class FailureLimiter {
  #tokens: number;
  #atMs = 0;
  #suppressed = new Map<Reason, number>();

  /**
   * @param burst records at once
   * @param perSecond records in the long run
   */
  constructor(private readonly burst: number, private readonly perSecond: number) {
    this.#tokens = burst;
  }

  /** Whether a record may be written now. One that may not is counted. */
  take(reason: Reason, nowMs: number): boolean {
    this.#tokens = Math.min(this.burst, this.#tokens + (nowMs - this.#atMs) / 1000 * this.perSecond);
    this.#atMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens--;
      return true;
    }
    this.suppress(reason, 1);
    return false;
  }

  /** Counts records that were suppressed elsewhere. */
  suppress(reason: Reason, count: number): void {
    this.#suppressed.set(reason, (this.#suppressed.get(reason) ?? 0) + count);
  }

  /** The counts of what was suppressed since the last call; `null` where nothing was. */
  report(): Map<Reason, number> | null {
    if (this.#suppressed.size === 0) return null;
    const report = this.#suppressed;
    this.#suppressed = new Map();
    return report;
  }
}
