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
  const { client, backend, handshakeMs, reason, error, failureClass } = facts;
  const record = { conn: facts.conn, listener: config.name } as ConnectionRecord;
  if (routeName !== "") record.route = routeName;
  record.worker = worker;
  record.client = client.hostname;
  record.client_port = client.port;
  addTlsFields(record, facts.tls);
  if (backend !== null) record.backend = backend.backend.name;
  record.bytes_in = facts.bytesIn;
  record.bytes_out = facts.bytesOut;
  record.duration_ms = round(facts.durationMs);
  if (handshakeMs !== undefined) record.handshake_ms = round(handshakeMs);
  if (backend !== null) record.connect_ms = round(backend.connectMs);
  record.reason = reason;
  if (describeReason(reason).keepsError) {
    if (error !== undefined) record.error = error;
    if (failureClass !== undefined) record.class = failureClass;
  }
  return record;
}

/** The fields of a record about TLS, as far as the engine knows them. */
function addTlsFields(record: ConnectionRecord, { sni, version, cipher, alpn, resumed, peer }: TlsInfo): void {
  if (sni !== undefined) record.sni = sni;
  if (version !== undefined) record.tls_version = version;
  if (cipher !== undefined) record.cipher = cipher;
  if (alpn !== undefined) record.alpn = alpn;
  if (resumed !== undefined) record.resumed = resumed;
  if (peer !== undefined) {
    record.client_cn = peer.commonName;
    record.client_dns = peer.dnsNames;
    record.client_uris = peer.uris;
  }
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
