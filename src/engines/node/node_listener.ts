import type { Server, Socket } from "node:net";
import type { Address } from "../../net/address.ts";
import { AcceptQueue } from "../shared/accept_queue.ts";
import type { AcceptWatch } from "../shared/accept_watch.ts";
import { type Acceptor, type Conn, ConnError, type Listener } from "../contract.ts";
import type { TlsListenOptions } from "../../tls/listen_options.ts";
import { DescriptorWatch } from "../shared/descriptor_watch.ts";
import { nodeConnError } from "../shared/node_error.ts";
import { socketEnd } from "../shared/socket_end.ts";
import { NodeTls } from "./node_tls.ts";
import { NodeTlsConn } from "./node_tls_conn.ts";
import type { Endpoint } from "../../linux/endpoint_key.ts";
import type { BoundName } from "../../linux/unix_socket.ts";

/** The delay of keepalive probes in milliseconds, as `node:net` wants it. The kernel counts in seconds. */
const KEEP_ALIVE_DELAY_MS = 60_000;

/** A connection that nobody has taken yet. */
interface Accepted {
  socket: Socket;
  /** Its descriptor, where it is known. */
  fd: number | undefined;
}

export interface NodeListenerOptions {
  /** A server that listens, and on Bun and Node pauses its connections. */
  server: Server;
  /** Watches whether the server still accepts, and replaces it by `revive` where not; absent where it always does. */
  watch?: (revive: (server: Server) => void) => AcceptWatch;
  address: Address;
  /** The name of a Unix socket. */
  name?: BoundName;
  tls: NodeTls;
  /** Finds the descriptor of a connection that was just accepted, where the runtime does not tell it. */
  clients?: {
    find(remote: Endpoint): number | undefined;
    /** Whether the receive buffers of connections may be bounded. */
    canBound: boolean;
  };
  /**
   * The listening socket, where connections have the options of TCP from it, which spares each the system calls to set
   * them.
   */
  fd?: number;
  /** How many connections may wait to be accepted. */
  maxWaiting: number;
}

/** A listener over a server that pushes connections. */
export class NodeListener implements Listener {
  readonly address: Address;
  readonly fd: number | undefined;
  #server: Server;
  readonly #watch: AcceptWatch | undefined;
  readonly #descriptors: DescriptorWatch;
  readonly #name: BoundName | undefined;
  readonly #queue: AcceptQueue<Accepted>;
  readonly #clients: NodeListenerOptions["clients"];
  /** Whether connections need no options of their own. */
  readonly #inherits: boolean;
  #tls: NodeTls;
  #closed = false;
  /** The secret that keys of tickets are made from; `null` until there is one. */
  #ticketSecret: Uint8Array | null = null;

  constructor({ server, watch, address, name, tls, clients, fd, maxWaiting }: NodeListenerOptions) {
    this.address = address;
    this.#server = server;
    this.#name = name;
    this.#tls = tls;
    this.#clients = clients;
    this.fd = fd;
    this.#inherits = fd !== undefined || address.transport === "unix";
    this.#queue = new AcceptQueue(maxWaiting);
    this.#takeFrom(server);
    this.#watch = watch?.((revived) => {
      this.#server.close();
      this.#server = revived;
      if (this.#closed) revived.close();
      this.#takeFrom(revived);
      this.#queue.fail(new ConnError("exhausted", "Accepting had stopped because no descriptor was left"));
    });
    this.#descriptors = new DescriptorWatch((error) => this.#queue.fail(error));
  }

  async accept(): Promise<Conn> {
    return this.#connOf(await this.#queue.accept());
  }

  acceptTo(acceptor: Acceptor): void {
    this.#queue.handTo({
      accepted: (accepted) => acceptor.accepted(this.#connOf(accepted)),
      failed: (error) => acceptor.failed(error),
    });
  }

  renew(options: TlsListenOptions): () => void {
    const secret = this.#ticketSecret;
    const tls = new NodeTls(options, secret);
    // Another secret may have come meanwhile.
    return () => this.#tls = secret === this.#ticketSecret ? tls : tls.withTickets(this.#ticketSecret!);
  }

  shareTickets(secret: Uint8Array): void {
    this.#ticketSecret = secret;
    this.#tls = this.#tls.withTickets(secret);
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

  #connOf({ socket, fd }: Accepted): NodeTlsConn {
    return new NodeTlsConn(socket, this.#tls, fd, this.#clients?.canBound);
  }

  /** The descriptor of a connection that was just accepted; `undefined` where it is not known. */
  #fdOf({ remoteAddress, remotePort }: Socket): number | undefined {
    if (this.#clients === undefined || remoteAddress === undefined) return undefined;
    return this.#clients.find(socketEnd(remoteAddress, remotePort));
  }

  #takeFrom(server: Server): void {
    server.on("connection", (socket) => {
      this.#watch?.accepted();
      if (!this.#queue.push({ socket, fd: this.#fdOf(socket) })) return void socket.destroy();
      // Nagle's algorithm would let each answer of more than a segment wait 40 ms for an ACK.
      if (!this.#inherits) socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
    });
    server.on("error", (error) => this.#queue.fail(nodeConnError(error)));
  }
}
