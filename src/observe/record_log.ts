import type { ConnectionRecord, Reason } from "./record.ts";
import type { Fields } from "./fields.ts";
import type { Log } from "./log.ts";

/** Endings that somebody should look at. */
const WARNINGS: ReadonlySet<Reason> = new Set<Reason>(["backend-unreachable", "backend-reset", "backend-error"]);

/** Writes the record of one closed connection: an information, or a warning where the backend failed. */
export function logConnection(log: Log, record: ConnectionRecord): void {
  const fields: Fields = { event: "connection", ...record };
  if (WARNINGS.has(record.reason)) log.warn("connection failed", fields);
  else log.info("connection closed", fields);
}
