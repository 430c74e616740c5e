import type { Server, Socket } from "node:net";
import type { Address } from "../config/config.ts";
import { type Conn, ConnError, type Listener, type TlsListenOptions } from "./contract.ts";
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
  /** Connections that may wait to be accepted; more are closed, as the kernel does with its backlog. */
  maxWaiting: number;
}

/** Pulls over a server that pushes. */
export class NodeListener implements Listener {
  readonly address: Address;
  readonly #options: NodeListenerOptions;
  #tls: NodeTls;
  readonly #waiting: Socket[] = [];
  #failure: ConnError | null = null;
  #closed = false;
  #acceptor: { resolve(conn: Conn): void; reject(error: ConnError): void } | null = null;

  constructor(options: NodeListenerOptions) {
    this.#options = options;
    this.#tls = options.tls;
    this.address = options.address;
    options.server.on("connection", (socket) => this.#connected(socket));
    options.server.on("error", (error) => this.#failed(nodeConnError(error)));
  }

  accept(): Promise<Conn> {
    // What came before the close was accepted by the kernel: it is served.
    const socket = this.#waiting.shift();
    if (socket !== undefined) return Promise.resolve(new NodeTlsConn(socket, this.#tls));
    if (this.#closed) return Promise.reject(new ConnError("closed", "Listener was closed"));
    const failure = this.#failure;
    if (failure !== null) {
      this.#failure = null;
      return Promise.reject(failure);
    }
    return new Promise((resolve, reject) => this.#acceptor = { resolve, reject });
  }

  renew(options: TlsListenOptions): () => void {
    const tls = new NodeTls(options);
    return () => this.#tls = tls;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.name?.release();
    this.#options.server.close();
    this.#acceptor?.reject(new ConnError("closed", "Listener was closed"));
    this.#acceptor = null;
  }

  #connected(socket: Socket): void {
    const acceptor = this.#acceptor;
    if (acceptor === null && this.#waiting.length >= this.#options.maxWaiting) {
      socket.destroy();
      return;
    }
    if (this.address.transport === "tcp") socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    if (acceptor === null) {
      this.#waiting.push(socket);
      return;
    }
    this.#acceptor = null;
    acceptor.resolve(new NodeTlsConn(socket, this.#tls));
  }

  #failed(error: ConnError): void {
    if (this.#acceptor === null) this.#failure = error;
    else this.#acceptor.reject(error);
    this.#acceptor = null;
  }
}
