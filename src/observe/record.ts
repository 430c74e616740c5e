/** What is said of a connection when it has ended. */
import type { LogLevel } from "../config/config.ts";

/** Why a connection ended, or was not admitted. The label `reason` of logs and metrics. */
export const REASONS = [
  "client-closed",
  "backend-closed",
  "idle",
  "half-close-timeout",
  "lifetime",
  "handshake-timeout",
  "handshake-failed",
  "client-auth",
  "proxy-header",
  "backend-unreachable",
  "limit",
  "per-client-limit",
  "handshake-rate",
  "drain",
  "client-reset",
  "client-error",
  "backend-reset",
  "backend-error",
] as const;
export type Reason = typeof REASONS[number];

/** One closed connection. What the engine could not know is absent, never invented. Names as in the log. */
export interface ConnectionRecord {
  conn: string;
  listener: string;
  worker: number;
  client: string;
  client_port: number;
  sni?: string;
  tls_version?: string;
  cipher?: string;
  alpn?: string;
  resumed?: boolean;
  client_cn?: string;
  client_dns?: string[];
  client_uris?: string[];
  backend?: string;
  bytes_in: number;
  bytes_out: number;
  duration_ms: number;
  handshake_ms?: number;
  connect_ms?: number;
  reason: Reason;
  /** What the engine said, where the ending was a failure. */
  error?: string;
}

/** Endings that are the operator's business. */
const WARNED: ReadonlySet<Reason> = new Set<Reason>(["backend-unreachable", "backend-error", "backend-reset"]);

/** How much a connection that ended so matters. */
export function levelOf(reason: Reason): LogLevel {
  return WARNED.has(reason) ? "warn" : "info";
}

const TURNED_AWAY: ReadonlySet<Reason> = new Set<Reason>(["client-auth", "proxy-header"]);

/**
 * Whether the client never came as far as a backend: a connection that anybody on the network can cause, so that its
 * record is limited in rate.
 */
export function isTurnedAway(record: ConnectionRecord): boolean {
  return record.handshake_ms === undefined || TURNED_AWAY.has(record.reason);
}
