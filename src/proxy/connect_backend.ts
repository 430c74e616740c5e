import type { ListenerConfig } from "../config/config.ts";
import { isDescriptorLeft } from "../linux/is_descriptor_left.ts";
import type { Telemetry } from "../metrics/telemetry.ts";
import { type Conn, ConnError, type ConnErrorKind, type Engine } from "../engines/contract.ts";
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
  engine: Engine;
  balancer: Balancer;
  telemetry: Telemetry;
}

/** The pauses between two tries while every backend refuses. */
const FIRST_RETRY_MS = 10;
const LONGEST_RETRY_MS = 100;

/**
 * Connects to the first backend that answers, in the balancer's order. While all of them refuse, an application may be
 * restarting: the connection waits and tries again, for as long as `timeouts.retry` allows. All of it ends by the
 * connect deadline.
 * @param client the client's address, which the balance may go by
 * @param cancelled whether the client has gone meanwhile
 * @throws {ConnError} kind `closed` if cancelled, else the last backend's failure
 */
export async function connectBackend(
  surroundings: Surroundings,
  client: string,
  cancelled: () => boolean,
): Promise<BackendConn> {
  const { config: { timeouts }, engine, balancer, telemetry } = surroundings;
  const { recovery } = balancer;
  const startMs = performance.now();
  const deadline = timeouts.connectMs > 0 ? startMs + timeouts.connectMs : Infinity;
  const retryUntil = Math.min(deadline, startMs + timeouts.retryMs);
  for (let pauseMs = FIRST_RETRY_MS, tries = 0;; pauseMs = Math.min(pauseMs * 2, LONGEST_RETRY_MS), tries++) {
    let failure: unknown;
    let allRefuse = true;
    const candidates = balancer.candidates(performance.now(), client);
    for (let index = 0; index < candidates.length; index++) {
      const backend = candidates[index];
      // Each backend gets a share of the time, so that one that does not answer at all leaves some for the others.
      const nowMs = performance.now();
      const tryUntil = nowMs + (deadline - nowMs) / (candidates.length - index);
      let conn: Conn;
      try {
        conn = await engine.connect(backend.address, tryUntil);
      } catch (error) {
        failure = error;
        if (noteFailure(surroundings, backend, error) !== "refused") allRefuse = false;
        if (cancelled() || performance.now() >= deadline) break;
        continue;
      }
      // It may have tried for others, too, which wait.
      recovery.recovered();
      balancer.connected(backend);
      if (cancelled()) {
        conn.close();
        balancer.released(backend);
        throw new ConnError("closed", "Client has gone while its backend was connected");
      }
      const connectMs = performance.now() - startMs;
      telemetry.backendConnected(backend.name, connectMs);
      return { conn, backend, connectMs };
    }
    if (!allRefuse || cancelled() || performance.now() >= retryUntil) {
      if (tries > 0) recovery.gaveUp();
      throw failure;
    }
    await recovery.wait(pauseMs, retryUntil);
  }
}

/** Tells the balancer and the counters that a backend could not be connected to. Returns the kind of the failure. */
function noteFailure({ balancer, telemetry }: Surroundings, backend: Backend, error: unknown): ConnErrorKind {
  const kind = error instanceof ConnError ? error.kind : "other";
  telemetry.backendFailed(backend.name, kind);
  // Where descriptors have run out here, no backend is to blame.
  if (kind !== "exhausted" || isDescriptorLeft()) {
    balancer.failed(backend, performance.now(), error instanceof Error ? error.message : String(error));
  }
  return kind;
}
