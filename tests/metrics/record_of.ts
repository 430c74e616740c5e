import type { ConnectionRecord } from "../../src/metrics/record.ts";

/** A connection record; what is not given is plausible. */
export function recordOf(fields: Partial<ConnectionRecord>): ConnectionRecord {
  return {
    conn: "c1",
    listener: "web",
    worker: 0,
    client: "192.0.2.1",
    client_port: 1234,
    bytes_in: 0,
    bytes_out: 0,
    duration_ms: 1,
    handshake_ms: 0.5,
    reason: "client-closed",
    ...fields,
  };
}
