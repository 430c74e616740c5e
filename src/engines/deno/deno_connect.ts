import type { Address } from "../../net/address.ts";
import type { Conn } from "../contract.ts";
import { connectWithRetry } from "../shared/connect_retry.ts";
import { DenoConn } from "./deno_conn.ts";
import { throwConnError } from "./deno_error.ts";

const MAX_READ = 64 * 1024;
/**
 * With `node:tls` the client's connection holds what it takes twice more, as its ciphertext and in room to spare, while
 * the client does not read.
 */
const MAX_READ_FOR_NODE_TLS = 32 * 1024;

/**
 * Connects to a backend by `Deno.connect`. Both engines on Deno do so.
 * @param deadline that of {@linkcode Engine.connect}
 */
export function connectDeno(target: Address, deadline: number): Promise<Conn> {
  return connectWithRetry(() => connectOnce(target, deadline, (inner) => new DenoConn(inner, MAX_READ)), deadline);
}

/** The same for the engine that writes to its clients by `node:tls`. */
export function connectDenoForNodeTls(target: Address, deadline: number): Promise<Conn> {
  return connectWithRetry(() => connectOnce(target, deadline, (inner) => new BackendOfNodeTls(inner)), deadline);
}

/** A connection to a backend for chunks that nobody else holds. */
class BackendOfNodeTls extends DenoConn {
  constructor(inner: Deno.Conn) {
    super(inner, MAX_READ_FOR_NODE_TLS);
  }

  /** While the application does not read, what is left of a chunk would hold the whole chunk. */
  protected override restOf(bytes: Uint8Array, count: number): Uint8Array {
    const left = bytes.length - count;
    return left > count ? bytes.subarray(count) : new Uint8Array(bytes.subarray(count));
  }
}

function connectOnce(target: Address, deadline: number, connOf: (inner: Deno.Conn) => Conn): Promise<Conn> {
  if (target.transport === "unix") {
    return Deno.connect({ transport: "unix", path: target.path })
      .then(connOf, throwConnError);
  }
  return Deno.connect({
    hostname: target.hostname,
    port: target.port,
    signal: deadline === Infinity ? undefined : AbortSignal.timeout(Math.max(1, deadline - performance.now())),
  }).then((conn) => {
    conn.setNoDelay(true);
    conn.setKeepAlive(true);
    return connOf(conn);
  }).catch(throwConnError);
}
