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
  return connectWithRetry(() => connectOnce(target, deadline, MAX_READ), deadline);
}

/** The same for the engine that writes to its clients by `node:tls`. */
export function connectDenoForNodeTls(target: Address, deadline: number): Promise<Conn> {
  return connectWithRetry(() => connectOnce(target, deadline, MAX_READ_FOR_NODE_TLS), deadline);
}

function connectOnce(target: Address, deadline: number, maxRead: number): Promise<Conn> {
  if (target.transport === "unix") {
    return Deno.connect({ transport: "unix", path: target.path })
      .then((conn) => new DenoConn(conn, maxRead), throwConnError);
  }
  return Deno.connect({
    hostname: target.hostname,
    port: target.port,
    signal: deadline === Infinity ? undefined : AbortSignal.timeout(Math.max(1, deadline - performance.now())),
  }).then((conn) => {
    conn.setNoDelay(true);
    conn.setKeepAlive(true);
    return new DenoConn(conn, maxRead);
  }).catch(throwConnError);
}
