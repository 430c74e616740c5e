/** The record of a connection that has ended. */
import { describeReason, type Reason } from "./reasons.ts";

/** One closed connection. Fields are named as in the log. What the engine does not know is absent. */
export interface ConnectionRecord {
  conn: string;
  listener: string;
  /** The name of its route; absent where it has none. */
  route?: string;
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
  /** The message of the engine or the system, where the ending was a failure. */
  error?: string;
  /** A short, fixed word for why a handshake has failed, such as `plain-http`. */
  class?: string;
}

/**
 * Whether the client never came as far as a backend: a connection that anybody on the network can cause, so that its
 * record is limited in rate.
 */
export function isTurnedAway(record: ConnectionRecord): boolean {
  return record.handshake_ms === undefined || describeReason(record.reason).stage !== "connection";
}
