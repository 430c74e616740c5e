import type { Log } from "../log/log.ts";

/** Whose backend it is, and its address. */
interface BackendLabels {
  listener: string;
  route?: string;
  backend: string;
}

/**
 * Logs that a backend has gone down or come up.
 * @param cause what was seen of it
 */
export function logBackendChange(log: Log, labels: BackendLabels, isUp: boolean, cause: string): void {
  if (isUp) log.info("backend is up", { event: "backend-up", ...labels, cause });
  else log.warn("backend is down", { event: "backend-down", ...labels, cause });
}
