import type { Server, Socket } from "node:net";
import type { Address } from "../../net/address.ts";
import { AcceptQueue } from "../shared/accept_queue.ts";
import type { AcceptWatch } from "../shared/accept_watch.ts";
import { type Conn, ConnError, type Listener } from "../contract.ts";
import type { TlsListenOptions } from "../../tls/listen_options.ts";
import { DescriptorWatch } from "../shared/descriptor_watch.ts";
import { nodeConnError } from "../shared/node_error.ts";
import { NodeTls } from "./node_tls.ts";
import { NodeTlsConn } from "./node_tls_conn.ts";
import type { BoundName } from "../../linux/unix_socket.ts";

/** Seconds are what the kernel counts in; `node:net` wants milliseconds. */
const KEEP_ALIVE_DELAY_MS = 60_000;

export interface NodeListenerOptions {
  /** Listening, with its connections paused. */
  server: Server;
  /** Looks whether the server still accepts, and is given what makes another one do so; absent where it always does. */
  watch?: (revive: (server: Server) => void) => AcceptWatch;
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
  #server: Server;
  readonly #watch: AcceptWatch | undefined;
  readonly #descriptors: DescriptorWatch;
  readonly #name: BoundName | undefined;
  readonly #queue: AcceptQueue<Socket>;
  #tls: NodeTls;
  #closed = false;

  constructor({ server, watch, address, name, tls, maxWaiting }: NodeListenerOptions) {
    this.address = address;
    this.#server = server;
    this.#name = name;
    this.#tls = tls;
    this.#queue = new AcceptQueue(maxWaiting);
    this.#takeFrom(server);
    this.#watch = watch?.((revived) => {
      this.#server.close();
      this.#server = revived;
      if (this.#closed) revived.close();
      this.#takeFrom(revived);
      this.#queue.fail(new ConnError("exhausted", "Accepting had stopped for want of descriptors"));
    });
    this.#descriptors = new DescriptorWatch((error) => this.#queue.fail(error));
  }

  async accept(): Promise<Conn> {
    return new NodeTlsConn(await this.#queue.accept(), this.#tls);
  }

  renew(options: TlsListenOptions): () => void {
    const tls = new NodeTls(options);
    return () => this.#tls = tls;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#watch?.stop();
    this.#descriptors.stop();
    this.#name?.release();
    this.#server.close();
    this.#queue.close();
  }

  #takeFrom(server: Server): void {
    server.on("connection", (socket) => {
      this.#watch?.accepted();
      if (!this.#queue.push(socket)) return void socket.destroy();
      if (this.address.transport === "tcp") socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    });
    server.on("error", (error) => this.#queue.fail(nodeConnError(error)));
  }
}
