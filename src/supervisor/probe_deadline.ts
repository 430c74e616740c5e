import { clearImmediate, clearTimeout, setImmediate, setTimeout } from "node:timers";

/**
 * Calls `passed` when a probe has waited for `limitMs`, in which the time does not count that the thread was busy with
 * something else: a timer that is late runs before the answers that have come meanwhile. So they are looked for once
 * more, for as long as the timer was late.
 * @returns a function that stops the waiting
 */
export function startProbeDeadline(limitMs: number, passed: () => void): () => void {
  const dueMs = performance.now() + limitMs;
  let immediate: ReturnType<typeof setImmediate> | undefined;
  const lookOnce = () => immediate = setImmediate(passed);
  let timer = setTimeout(() => {
    timer = setTimeout(lookOnce, Math.max(0, performance.now() - dueMs));
  }, limitMs);
  return () => {
    clearTimeout(timer);
    if (immediate !== undefined) clearImmediate(immediate);
  };
}
