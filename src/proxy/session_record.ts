import type { ConnectionRecord } from "../metrics/record.ts";
import { describeReason, type Reason } from "../metrics/reasons.ts";
import type { Endpoint } from "../proxy_protocol/endpoint.ts";
import type { FailureClass } from "../tls/failure_class.ts";
import type { TlsInfo } from "../tls/tls_info.ts";
import type { BackendConn } from "./connect_backend.ts";
import type { SessionContext } from "./session_context.ts";

/** What a session knows when it has ended; `undefined` or `null` where it ended before that was known. */
interface SessionFacts {
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
  failureClass: FailureClass | undefined;
}

/** Makes the record of a session that has ended. */
export function createRecord({ config, routeName, worker }: SessionContext, facts: SessionFacts): ConnectionRecord {
  const { client, backend, handshakeMs, reason, error } = facts;
  return {
    conn: facts.conn,
    listener: config.name,
    ...(routeName === "" ? {} : { route: routeName }),
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
    ...(error === undefined || !describeReason(reason).keepsError ? {} : { error }),
    ...(facts.failureClass === undefined || !describeReason(reason).keepsError ? {} : { class: facts.failureClass }),
  };
}

/** The fields of a record about TLS, as far as the engine knows them. */
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
