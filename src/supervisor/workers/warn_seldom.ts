/** The least time between two warnings of a kind that each connection could cause. */
const WARN_EVERY_MS = 10_000;

/** Returns a function that answers whether a warning of one kind may be logged now. */
export function warnSeldom(): () => boolean {
  let saidMs = -Infinity;
  return () => {
    const nowMs = performance.now();
    if (nowMs - saidMs < WARN_EVERY_MS) return false;
    saidMs = nowMs;
    return true;
  };
}
