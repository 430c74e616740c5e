import net, { type NetConnectOpts, type Socket } from "node:net";
import type { Address } from "../../net/address.ts";
import { type Conn, ConnError } from "../contract.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { explainRefusal } from "../shared/explain_refusal.ts";
import { NodeConn } from "./node_conn.ts";
import { nodeConnError } from "../shared/node_error.ts";
import { ReadBuffer } from "../shared/read_buffer.ts";

const MAX_READ = 64 * 1024;
const KEEP_ALIVE_DELAY_MS = 60_000;

const IS_BUN = runtimeName() === "bun";

/** A connection to an application. */
class NodePlainConn extends NodeConn {
  constructor(socket: Socket) {
    super(socket);
    this.attach(socket);
  }

  /** Takes what was read into the connection's buffer; nothing more is read until the next {@linkcode NodeConn.read}. */
  filled(bytes: Uint8Array): void {
    this.received(bytes, true);
  }
}

/**
 * Connects to an application.
 * @param deadline `performance.now()` time in milliseconds
 * @throws {ConnError}
 */
export function connectPlain(target: Address, deadline: number): Promise<Conn> {
  return new Promise((resolve, reject) => {
    let conn: NodePlainConn;
    const buffer = new ReadBuffer(MAX_READ);
    const address = target.transport === "unix" ? { path: target.path } : { host: target.hostname, port: target.port };
    const options = { ...address, allowHalfOpen: true } as NetConnectOpts;
    // Bun's `onread` costs more than the stream that it goes around.
    if (!IS_BUN) {
      options.onread = {
        buffer: () => buffer.space(),
        callback: (count: number) => {
          conn.filled(buffer.filled(count));
          return false;
        },
      };
    }
    const socket = net.connect(options);
    const leftMs = Math.max(1, deadline - performance.now());
    const late = () => socket.destroy(new ConnError("timeout", "Connection timed out"));
    const timer = Number.isFinite(leftMs) ? setTimeout(late, leftMs) : undefined;
    const failed = (error: unknown) => {
      clearTimeout(timer);
      const failure = nodeConnError(error);
      reject(IS_BUN ? explainRefusal(failure, target) : failure);
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", failed);
      if (target.transport === "tcp") socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
      resolve(conn = new NodePlainConn(socket));
    });
  });
}
