import type { ConnectionRecord, Reason } from "../observe/record.ts";
import type { Endpoint } from "../proxy_protocol/endpoint.ts";
import type { TlsInfo } from "../runtime/contract.ts";
import type { BackendConn } from "./connect_backend.ts";
import type { SessionContext } from "./session_context.ts";

/** What a session knows when it is over; `undefined` and `null`: it never came so far. */
export interface SessionFacts {
  conn: string;
  client: Endpoint;
  tls: TlsInfo;
  backend: BackendConn | null;
  bytesIn: number;
  bytesOut: number;
  durationMs: number;
  handshakeMs: number | undefined;
  reason: Reason;
  error: string | undefined;
}

/** Endings of which the engine's own words are worth a field. */
const FAILURES: ReadonlySet<Reason> = new Set<Reason>([
  "handshake-failed",
  "client-auth",
  "proxy-header",
  "backend-unreachable",
  "client-reset",
  "client-error",
  "backend-reset",
  "backend-error",
]);

/** What is told of a session that is over. */
export function createRecord({ config, worker }: SessionContext, facts: SessionFacts): ConnectionRecord {
  const { client, backend, handshakeMs, reason, error } = facts;
  return {
    conn: facts.conn,
    listener: config.name,
    worker,
    client: client.hostname,
    client_port: client.port,
    ...tlsFields(facts.tls),
    ...(backend === null ? {} : { backend: backend.backend.name }),
    bytes_in: facts.bytesIn,
    bytes_out: facts.bytesOut,
    duration_ms: round(facts.durationMs),
    ...(handshakeMs === undefined ? {} : { handshake_ms: round(handshakeMs) }),
    ...(backend === null ? {} : { connect_ms: round(backend.connectMs) }),
    reason,
    ...(error === undefined || !FAILURES.has(reason) ? {} : { error }),
  };
}

/** What a record says of a connection's TLS: what the engine knew, and nothing else. */
function tlsFields({ sni, version, cipher, alpn, resumed, peer }: TlsInfo): Partial<ConnectionRecord> {
  return {
    ...(sni === undefined ? {} : { sni }),
    ...(version === undefined ? {} : { tls_version: version }),
    ...(cipher === undefined ? {} : { cipher }),
    ...(alpn === undefined ? {} : { alpn }),
    ...(resumed === undefined ? {} : { resumed }),
    ...(peer === undefined ? {} : { client_cn: peer.commonName, client_dns: peer.dnsNames, client_uris: peer.uris }),
  };
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
