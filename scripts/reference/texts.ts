/** Descriptions of what the code names without describing it. Types and tests make sure that none is missing. */
import type { ConnectionRecord } from "../../src/metrics/record.ts";
import type { ProxyHeaderReason } from "../../src/proxy_protocol/proxy_header_error.ts";

/** The fields of the connection record. */
export const FIELD_TEXTS: Record<keyof ConnectionRecord, string> = {
  conn: "id of the connection, unique over workers and restarts; also the UNIQUE_ID of a PROXY header",
  listener: "name of the listener",
  route: "name of the route; absent for the listener's own backend, and where none was found",
  worker: "number of the worker, from 0",
  client: "address of the client, behind a balancer the true one; empty on a Unix socket",
  client_port: "port of the client",
  sni: "server name that the client asked for, also where its handshake failed, if the engine shows it then",
  tls_version: "`TLSv1.2` or `TLSv1.3`",
  cipher: "cipher suite",
  alpn:
    "protocol that was agreed on; where the handshake failed, all that the client offered, if the engine shows them",
  resumed: "whether the TLS session was resumed",
  client_cn: "common name in the client's certificate",
  client_dns: "DNS names in the client's certificate",
  client_uris: "URIs in the client's certificate",
  backend: "address of the application that took the connection",
  bytes_in: "decrypted bytes from the client",
  bytes_out: "bytes to the client before encryption",
  duration_ms: "milliseconds from accept to end",
  handshake_ms: "milliseconds from accept to the end of the handshake",
  connect_ms: "milliseconds to connect to the application, retries included",
  reason: "why it ended: one of the reasons below",
  error: "what the engine said, where the ending was a failure",
  class: "a short, fixed word for why a handshake failed, on every engine the same",
};

/** The reasons why PROXY headers are refused. */
export const PROXY_HEADER_REASON_TEXTS: Record<ProxyHeaderReason, string> = {
  "not-a-header": "the first bytes are of neither version",
  "bad-line": "a version 1 line that does not match its form exactly",
  "bad-version": "the signature of version 2, with another version",
  "bad-command": "neither LOCAL nor PROXY",
  "bad-family": "an address family or transport that version 2 does not define",
  "bad-address": "a version 1 address that is none of its family",
  "bad-port": "a version 1 port that is no number from 0 to 65535 without leading zeros",
  "bad-length": "a version 2 length too short for its addresses",
  "bad-tlv": "a TLV that runs past the header's end, or has a value that its type does not allow",
  "bad-crc": "the checksum is another",
  "too-long": "longer than is read",
  "timeout": "not complete within 3 s",
  "truncated": "the sender left before it was complete",
};

/** What the program does on each signal. */
export const SIGNAL_TEXTS: Record<string, string> = {
  SIGTERM: "drain: accept no more, let connections finish for `shutdown.grace`, then cut them; a second one stops now",
  SIGINT: "as SIGTERM",
  SIGHUP: "everything is loaded anew; what is wrong is logged, and the old configuration goes on; ends `demo`",
  SIGUSR1: "reopen the log file, as after a rotation by another program",
};

/** Exit codes. */
export const EXIT_TEXTS: Record<string, string> = {
  0: "fine; a drain after which no connection was cut",
  1: "the configuration is wrong, or the start failed",
  2: "wrong usage of the command line",
  3: "the drain timed out, or was ended by a second signal, and connections were cut",
};

/** The environment variables that are read. No others are. */
export const ENVIRONMENT_TEXTS: Record<string, string> = {
  NO_COLOR: "set and not empty: no colours on a terminal",
  JOURNAL_STREAM: 'set by systemd: tells that standard error is the journal (`log.format = "auto"`)',
  NOTIFY_SOCKET: "set by systemd: where readiness, reloads and the watchdog are reported",
  WATCHDOG_USEC: "set by systemd: how often the watchdog wants to hear from the program",
  WATCHDOG_PID: "set by systemd: which process the watchdog means",
  LISTEN_PID: "set by systemd: which process the inherited sockets are for",
  LISTEN_FDS: "set by systemd: how many sockets are inherited",
  LISTEN_FDNAMES: "set by systemd: the names of the inherited sockets",
  TMPDIR: "where `demo` makes its private directory (also TMP, TEMP)",
  TMP: "as TMPDIR",
  TEMP: "as TMPDIR",
  SSLKEYLOGFILE:
    "on Deno, where it makes the runtime write every connection's secrets to a file: `run` refuses it without `--allow-key-log`",
  DENO_TOKIO_MAX_IO_EVENTS_PER_TICK:
    "Deno's own; without it a single worker has a thread to itself, which costs a little",
};

/** The requests of the admin endpoint. */
export const ROUTE_TEXTS: Record<string, string> = {
  "GET /": "the live page",
  "GET /metrics": "the metrics, for Prometheus",
  "GET /stats":
    "JSON: listeners, backends, workers, certificates, the process; with `?history` also the last five minutes",
  "GET /clients":
    "JSON: the busiest clients, with bytes each way and bytes per second over 1 s, 10 s and 60 s; `?top=N` says how many, " +
    "`&order=` sorts by `bytes`, `rate`, `active` or `opened`",
  "GET /healthz": "200 while the process lives",
  "GET /readyz": "200, or 503 while draining and while no backend of some listener can be reached",
  "POST /reload": "as SIGHUP; 200 or 500, what is wrong is in the log",
  "POST /drain": "as SIGTERM; 202",
};

/** The fields of a metrics record. That of the process has no field `listener`. */
export const METRIC_FIELD_TEXTS: Record<string, string> = {
  interval_ms: "milliseconds since the record before; absent in the first, as are all rates",
  connections_total: "connections admitted since the start",
  connections_active: "connections now",
  connections_rejected_total: "connections turned away before their handshake since the start",
  connections_per_second: "connections admitted per second since the record before",
  handshakes_total: "handshakes that succeeded since the start",
  handshakes_failed_total: "handshakes that failed since the start",
  bytes_in_total: "bytes from clients since the start",
  bytes_out_total: "bytes to clients since the start",
  bytes_in_per_second: "bytes per second from clients since the record before",
  bytes_out_per_second: "bytes per second to clients since the record before",
  handshake_p50_ms: "median of the handshakes' time since the record before, in milliseconds",
  handshake_p99_ms: "99th percentile of the same",
  connect_p50_ms: "median of the time to connect to the application since the record before, in milliseconds",
  connect_p99_ms: "99th percentile of the same",
  cpu_seconds_total: "CPU time of the process since its start",
  cpu_percent: "CPU use since the record before; 100 is one core",
  resident_bytes: "resident memory",
  open_fds: "open descriptors",
};
