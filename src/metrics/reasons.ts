/** Why connections end or are turned away. Types, records, metrics and the reference come from this one table. */
import type { LogLevel } from "../config/config.ts";

/** What is known of a reason. */
interface ReasonDescription {
  /**
   * Where a connection usually is when it ends for this reason: `accept` before its handshake, `handshake` before it is
   * authorised, `connection` afterwards.
   */
  stage: "accept" | "handshake" | "connection";
  /** The level of the record. It is `warn` where someone who runs the proxy can do something about it. */
  level: LogLevel;
  /** Whether the connection ended in good order, and not by a failure. */
  orderly: boolean;
  /** Whether the record has the message of the engine or the system in its field `error`. */
  keepsError: boolean;
  /** For the reference: completes "The connection ended because …". */
  meaning: string;
}

/** Every reason, in the order of the counters in shared memory. */
export const REASON_TABLE = {
  "client-closed": {
    stage: "connection",
    level: "info",
    orderly: true,
    keepsError: false,
    meaning: "the client ended the connection, in good order",
  },
  "backend-closed": {
    stage: "connection",
    level: "info",
    orderly: true,
    keepsError: false,
    meaning:
      "the application ended the connection, in good order; on a Unix socket also over unread bytes after an answer",
  },
  "idle": {
    stage: "connection",
    level: "info",
    orderly: true,
    keepsError: false,
    meaning:
      "no byte moved in either direction for `timeouts.idle`, nor did a peer take any that the kernel held for it",
  },
  "half-close-timeout": {
    stage: "connection",
    level: "info",
    orderly: true,
    keepsError: false,
    meaning: "one side had ended, and the other was silent for `timeouts.half-close`",
  },
  "lifetime": {
    stage: "connection",
    level: "info",
    orderly: true,
    keepsError: false,
    meaning: "the connection was as old as `timeouts.lifetime` allows",
  },
  "handshake-timeout": {
    stage: "handshake",
    level: "info",
    orderly: false,
    keepsError: false,
    meaning: "the TLS handshake was not done within `timeouts.handshake`",
  },
  "handshake-failed": {
    stage: "handshake",
    level: "info",
    orderly: false,
    keepsError: true,
    meaning: "the TLS handshake failed; `error` has the engine's words",
  },
  "client-auth": {
    stage: "handshake",
    level: "info",
    orderly: false,
    keepsError: true,
    meaning:
      "the client's certificate is missing, expired or of another CA, or no allow list of `client-auth` names it",
  },
  "acme-challenge": {
    stage: "connection",
    level: "info",
    orderly: true,
    keepsError: false,
    meaning:
      "it validated a name for the authority that a certificate is ordered from, and had nothing for the application",
  },
  "no-route": {
    stage: "handshake",
    level: "info",
    orderly: false,
    keepsError: true,
    meaning: "no route takes the client's server name and protocol, and the listener has no backend of its own",
  },
  "proxy-header": {
    stage: "accept",
    level: "info",
    orderly: false,
    keepsError: true,
    meaning: "a network of `accept-proxy` sent no PROXY header, or a wrong one; `error` says what is wrong",
  },
  "backend-unreachable": {
    stage: "connection",
    level: "warn",
    orderly: false,
    keepsError: true,
    meaning: "no backend took the connection within `timeouts.connect`",
  },
  "limit": {
    stage: "accept",
    level: "info",
    orderly: false,
    keepsError: false,
    meaning: "`limits.connections` was reached",
  },
  "per-client-limit": {
    stage: "accept",
    level: "info",
    orderly: false,
    keepsError: false,
    meaning: "the client's address had `limits.per-client` connections open",
  },
  "handshake-rate": {
    stage: "accept",
    level: "info",
    orderly: false,
    keepsError: false,
    meaning: "`limits.handshakes-per-second` was reached",
  },
  "reload-grace": {
    stage: "connection",
    level: "info",
    orderly: true,
    keepsError: false,
    meaning: "the connection was older than a reload, and `reload-grace` had passed since",
  },
  "drain": {
    stage: "connection",
    level: "info",
    orderly: true,
    keepsError: false,
    meaning:
      "the process stopped: `shutdown.grace` had ended, a second signal had come, or the client had not sent a byte",
  },
  "client-reset": {
    stage: "connection",
    level: "info",
    orderly: false,
    keepsError: true,
    meaning: "the client reset the connection (RST)",
  },
  "client-error": {
    stage: "connection",
    level: "info",
    orderly: false,
    keepsError: true,
    meaning: "reading from the client or writing to it failed otherwise",
  },
  "backend-reset": {
    stage: "connection",
    level: "warn",
    orderly: false,
    keepsError: true,
    meaning:
      "the application reset the connection (RST), as by closing over unread bytes, so that an answer may be cut",
  },
  "backend-error": {
    stage: "connection",
    level: "warn",
    orderly: false,
    keepsError: true,
    meaning: "reading from the application or writing to it failed otherwise",
  },
} as const satisfies Record<string, ReasonDescription>;

/** The field `reason` of records, and the label `reason` of metrics. */
export type Reason = keyof typeof REASON_TABLE;

export const REASONS = Object.keys(REASON_TABLE) as Reason[];

/** Returns the table's entry of a reason. */
export function describeReason(reason: Reason): ReasonDescription {
  return REASON_TABLE[reason];
}

/** Whether a reason is no failure. It takes any text, because answers of another version may have other reasons. */
export function isOrderly(reason: string): boolean {
  return Object.hasOwn(REASON_TABLE, reason) && REASON_TABLE[reason as Reason].orderly;
}

/** Returns the reasons of a stage. */
export function reasonsOf(stage: ReasonDescription["stage"]): Reason[] {
  return REASONS.filter((reason) => REASON_TABLE[reason].stage === stage);
}
