import type { IsGiven } from "./is_given.ts";
import type { Path } from "./positions.ts";
import type { Report } from "./report.ts";
import type { ListenerFile } from "./schema/schema_listener.ts";
import { warnOfGiven } from "./warn_of_given.ts";

/** The keys that say how to probe. */
const KEYS = ["timeout", "rise", "fall", "path"];

/**
 * Warns of keys about probes where nothing is probed: someone who names a path believes that it is asked for.
 * @param path of the listener
 */
export function checkHealth({ health, routes }: ListenerFile, path: Path, isGiven: IsGiven, report: Report): void {
  const tables = routes.map((route, index) => ({
    isProbed: route.health.intervalMs > 0,
    path: [...path, "route", index, "health"] as Path,
  }));
  for (const { isProbed, path } of tables) if (!isProbed) warn(KEYS, path, isGiven, report);
  if (health.intervalMs > 0) return;
  // A route that is probed has what it does not give itself from the listener.
  const isTaken = (key: string) => tables.some(({ isProbed, path }) => isProbed && !isGiven([...path, key]));
  warn(KEYS.filter((key) => !isTaken(key)), [...path, "health"], isGiven, report);
}

function warn(keys: readonly string[], path: Path, isGiven: IsGiven, report: Report): void {
  if (report.hasFailed([...path, "interval"])) return;
  warnOfGiven(keys, path, "has no effect while interval is 0: no backend is probed", isGiven, report);
}
