/**
 * A signal that is repeated within this time is the same request. One Ctrl-C arrives twice where the parent process
 * passes on the signal that the terminal has sent to both, as npx does.
 */
const SAME_REQUEST_MS = 500;

/** What a request to stop means. */
type StopStep = "drain" | "stop-now" | "repeated";

/** Counts the requests to stop: the first drains, the second stops at once. */
export class StopRequests {
  #last: { name: string; atMs: number } | null = null;
  #steps = 0;

  /** Whether there was a request. */
  get asked(): boolean {
    return this.#steps > 0;
  }

  /**
   * Takes a request.
   * @param name the signal, or another source; the same one again within half a second is the same request
   * @param nowMs the time of a monotonic clock
   */
  request(name: string, nowMs: number): StopStep {
    const isSame = this.#last !== null && this.#last.name === name && nowMs - this.#last.atMs < SAME_REQUEST_MS;
    this.#last = { name, atMs: nowMs };
    if (isSame) return "repeated";
    return ++this.#steps === 1 ? "drain" : "stop-now";
  }
}
