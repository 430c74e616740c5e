import type { ListenerConfig } from "../config/config.ts";
import type { Telemetry } from "../metrics/telemetry.ts";
import { type Conn, ConnError, type Runtime } from "../engines/contract.ts";
import type { Backend, Balancer } from "./balance.ts";

/** A connection to a backend. The balancer counts it until it is released. */
export interface BackendConn {
  conn: Conn;
  backend: Backend;
  /** Milliseconds since the first try. */
  connectMs: number;
}

interface Surroundings {
  config: ListenerConfig;
  runtime: Runtime;
  balancer: Balancer;
  telemetry: Telemetry;
}

/**
 * Connects to the first backend that answers, in the balancer's order, all tries within the connect deadline.
 * @param client the address that the client comes from
 * @param cancelled whether the client has gone meanwhile
 * @throws {ConnError} kind `closed` if cancelled, else the last backend's failure
 */
export async function connectBackend(
  { config, runtime, balancer, telemetry }: Surroundings,
  client: string,
  cancelled: () => boolean,
): Promise<BackendConn> {
  const startMs = performance.now();
  const deadline = config.timeouts.connectMs > 0 ? startMs + config.timeouts.connectMs : Infinity;
  let failure: unknown;
  const candidates = balancer.candidates(startMs, client);
  for (const [index, backend] of candidates.entries()) {
    let conn: Conn;
    // Each backend gets a share of the time, so that one that does not answer at all leaves some for the others.
    const nowMs = performance.now();
    const tryUntil = nowMs + (deadline - nowMs) / (candidates.length - index);
    try {
      conn = await runtime.connect(backend.address, tryUntil);
    } catch (error) {
      failure = error;
      telemetry.backendFailed(backend.name, error instanceof ConnError ? error.kind : "other");
      balancer.failed(backend, performance.now(), error instanceof Error ? error.message : String(error));
      if (cancelled() || performance.now() >= deadline) break;
      continue;
    }
    if (cancelled()) {
      conn.close();
      throw new ConnError("closed", "Client has gone while its backend was connected");
    }
    const connectMs = performance.now() - startMs;
    balancer.connected(backend);
    telemetry.backendConnected(backend.name, connectMs);
    return { conn, backend, connectMs };
  }
  throw failure;
}
