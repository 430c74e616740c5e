import type { NetConnectOpts } from "node:net";
import type { Address } from "../../net/address.ts";
import { type Conn, ConnError } from "../contract.ts";
import { connectWithRetry } from "../shared/connect_retry.ts";
import { LastingSocket } from "./lasting_socket.ts";
import { NodeConn } from "./node_conn.ts";
import { nodeConnError } from "../shared/node_error.ts";
import { ReadBuffer } from "../shared/read_buffer.ts";

/** The client's connection holds as much again, encrypted, while the client does not take it. */
const MAX_READ = 32 * 1024;
const KEEP_ALIVE_DELAY_MS = 60_000;

/** A connection to an application. */
class NodePlainConn extends NodeConn {
  /** Whether the last read has left room in its buffer. */
  private hadRoom = false;

  constructor(socket: LastingSocket) {
    super(socket);
    this.attach(socket);
    socket.writeFailed = this.makeWriteFailed();
  }

  /**
   * Takes bytes that were read into the connection's buffer. No more are read until the next {@linkcode NodeConn.read}.
   */
  filled(bytes: Uint8Array): void {
    this.hadRoom = bytes.length < bytes.buffer.byteLength;
    this.received(bytes, true);
  }

  /**
   * Where a read leaves room and the peer has left, libuv reports an end in good order without another read, which
   * would tell of a reset (`uv__stream_io`). It does not where the next read begins after it has looked.
   */
  protected override resumeReading(): void {
    if (this.hadRoom) setImmediate(() => super.resumeReading());
    else super.resumeReading();
  }
}

/**
 * Connects to a backend by `node:net`. Only Node does so.
 * @param deadline that of {@linkcode Engine.connect}
 */
export function connectNode(target: Address, deadline: number): Promise<Conn> {
  return connectWithRetry(() => connectOnce(target, deadline), deadline);
}

function connectOnce(target: Address, deadline: number): Promise<Conn> {
  return new Promise((resolve, reject) => {
    let conn: NodePlainConn;
    const buffer = new ReadBuffer(MAX_READ);
    const address = target.transport === "unix" ? { path: target.path } : { host: target.hostname, port: target.port };
    const onread = {
      buffer: () => buffer.space(),
      callback: (count: number) => {
        conn.filled(buffer.filled(count));
        return false;
      },
    };
    const socket = new LastingSocket({ allowHalfOpen: true, onread });
    const leftMs = Math.max(1, deadline - performance.now());
    const late = () => socket.destroy(new ConnError("timeout", "Connection timed out"));
    const timer = Number.isFinite(leftMs) ? setTimeout(late, leftMs) : undefined;
    const failed = (error: unknown) => {
      clearTimeout(timer);
      reject(nodeConnError(error));
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", failed);
      if (target.transport === "tcp") socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
      resolve(conn = new NodePlainConn(socket));
    });
    socket.connect(address as NetConnectOpts);
  });
}
