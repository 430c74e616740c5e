import type { Server, Socket } from "node:net";
import type { Address } from "../config/config.ts";
import { AcceptQueue } from "./accept_queue.ts";
import type { Conn, Listener, TlsListenOptions } from "./contract.ts";
import { nodeConnError } from "./node_error.ts";
import { NodeTls } from "./node_tls.ts";
import { NodeTlsConn } from "./node_tls_conn.ts";
import type { BoundName } from "./unix_socket.ts";

/** Seconds are what the kernel counts in; `node:net` wants milliseconds. */
const KEEP_ALIVE_DELAY_MS = 60_000;

export interface NodeListenerOptions {
  /** Listening, with its connections paused. */
  server: Server;
  address: Address;
  /** Of a Unix socket. */
  name?: BoundName;
  tls: NodeTls;
  /** Connections that may wait to be accepted. */
  maxWaiting: number;
}

/** Pulls over a server that pushes. */
export class NodeListener implements Listener {
  readonly address: Address;
  readonly #server: Server;
  readonly #name: BoundName | undefined;
  readonly #queue: AcceptQueue<Socket>;
  #tls: NodeTls;
  #closed = false;

  constructor({ server, address, name, tls, maxWaiting }: NodeListenerOptions) {
    this.address = address;
    this.#server = server;
    this.#name = name;
    this.#tls = tls;
    const queue = this.#queue = new AcceptQueue(maxWaiting);
    server.on("connection", (socket) => {
      if (!queue.push(socket)) return void socket.destroy();
      if (address.transport === "tcp") socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    });
    server.on("error", (error) => queue.fail(nodeConnError(error)));
  }

  async accept(): Promise<Conn> {
    return new NodeTlsConn(await this.#queue.accept(), this.#tls);
  }

  readable(): Promise<void> {
    return this.#queue.readable();
  }

  renew(options: TlsListenOptions): () => void {
    const tls = new NodeTls(options);
    return () => this.#tls = tls;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#name?.release();
    this.#server.close();
    this.#queue.close();
  }
}
