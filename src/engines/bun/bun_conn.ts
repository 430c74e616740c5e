import type { BunHandlers, BunSocket } from "./bun_types.ts";
import { type Conn, ConnError, type Sink, WRITTEN } from "../contract.ts";
import type { TlsInfo } from "../../tls/tls_info.ts";
import { libc } from "../../linux/thread_libc.ts";
import { nodeConnError } from "../shared/node_error.ts";
import { socketEnd } from "../shared/socket_end.ts";

/** A connection, and its socket with a way back to it. */
export type Socket = BunSocket<BunConn>;

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: ConnError): void;
}

/**
 * A socket that pushes, and can be pulled from. A chunk goes straight, and without a copy, to the sink or to the read that waits
 * for it; when nobody does the socket is paused.
 */
export class BunConn implements Conn {
  readonly remote: { hostname: string; port: number };
  readonly local: { hostname: string; port: number };
  protected readonly socket: Socket;
  /** Bun is about to close the socket, with what it still has to say to the peer. */
  protected endsItself = false;
  /** Came with nobody waiting; the socket is paused. */
  #stock: Uint8Array[] = [];
  #paused = false;
  #ended = false;
  #shut = false;
  #failure: ConnError | null = null;
  #reader: Waiter<Uint8Array | null> | null = null;
  #sink: Sink | null = null;
  /** The sink has not done with the last chunk. */
  #sinkBusy = false;
  #writer: Waiter<void> | null = null;
  /** Waits to half-close, once the write that waits is done. */
  #closer: Waiter<void> | null = null;
  /** What the socket has not taken of the write that waits. */
  #rest: Uint8Array | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.data = this;
    this.remote = socketEnd(socket.remoteAddress, socket.remotePort);
    this.local = socketEnd(socket.localAddress, socket.localPort);
  }

  handshake(): Promise<TlsInfo> {
    return Promise.resolve({});
  }

  read(): Promise<Uint8Array | null> {
    const chunk = this.#stock.shift();
    if (chunk !== undefined) return Promise.resolve(chunk);
    if (this.#ended) return Promise.resolve(null);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#resume();
    return new Promise((resolve, reject) => this.#reader = { resolve, reject });
  }

  pushTo(sink: Sink): void {
    this.#sink = sink;
    this.#push();
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    const taken = this.socket.write(bytes);
    if (taken === bytes.length) return WRITTEN;
    // What the peer has sent may still come: that it has gone is told by `closed`.
    if (taken < 0) return Promise.reject(new ConnError("reset", "Connection was cut"));
    this.#rest = bytes.subarray(taken);
    return new Promise((resolve, reject) => this.#writer = { resolve, reject });
  }

  closeWrite(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#shut) return WRITTEN;
    // `shutdown` would leave out what the socket has not taken yet.
    if (this.#rest !== null) return new Promise((resolve, reject) => this.#closer = { resolve, reject });
    this.#shut = true;
    this.socket.shutdown();
    return WRITTEN;
  }

  cutWrite(): void {
    if (this.#failure !== null || this.#shut) return;
    this.#shut = true;
    // Bun has no way to leave close_notify out.
    libc.endConnection(this.socket.fd, "fin");
  }

  abort(): void {
    if (this.#failure?.kind === "closed") return;
    this.#shut = false;
    this.close();
  }

  close(): void {
    if (this.#failure?.kind === "closed") return;
    // After the half-close everything is with the kernel, which sends it on. Else nothing may be waited for, and a reset is what
    // frees the socket of a peer that stalls.
    const inOrder = this.endsItself || (this.#shut && this.#failure === null);
    this.#failure = null;
    this.#stock = [];
    this.fail(new ConnError("closed", "Connection was closed here"));
    if (inOrder) this.socket.end();
    else this.socket.terminate();
  }

  /** Everything that waits, or will, gets this failure; the first one counts. */
  protected fail(failure: ConnError): void {
    this.#failure ??= failure;
    this.#reader?.reject(this.#failure);
    this.#writer?.reject(this.#failure);
    this.#closer?.reject(this.#failure);
    this.#reader =
      this.#writer =
      this.#closer =
      this.#rest =
        null;
    this.#push();
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.socket.resume();
  }

  /** Gives the sink what there is for it, in order: chunks, then the end. */
  #push(): void {
    while (this.#sink !== null && !this.#sinkBusy) {
      const chunk = this.#stock.shift();
      if (chunk !== undefined) this.#give(this.#sink, chunk);
      else if (this.#ended || this.#failure !== null) {
        const sink = this.#sink;
        const failure = this.#ended ? null : this.#failure;
        this.#sink = null;
        queueMicrotask(() => sink.end(failure));
      } else return this.#resume();
    }
  }

  #give(sink: Sink, chunk: Uint8Array): void {
    const taking = sink.take(chunk);
    if (taking === WRITTEN) return;
    this.#sinkBusy = true;
    taking.then(() => {
      this.#sinkBusy = false;
      this.#push();
    });
  }

  // For the handlers below alone.

  received(chunk: Uint8Array): void {
    if (this.#sink !== null && !this.#sinkBusy) return this.#give(this.#sink, chunk);
    const reader = this.#reader;
    if (reader !== null) {
      this.#reader = null;
      reader.resolve(chunk);
      return;
    }
    this.#stock.push(chunk);
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  drained(): void {
    if (this.#rest === null) return;
    const taken = this.socket.write(this.#rest);
    if (taken < 0) {
      this.#rest = null;
      this.#writer?.reject(new ConnError("reset", "Connection was cut"));
      this.#writer = null;
      return;
    }
    if (taken < this.#rest.length) {
      this.#rest = this.#rest.subarray(taken);
      return;
    }
    this.#rest = null;
    this.#writer?.resolve();
    this.#writer = null;
    const closer = this.#closer;
    this.#closer = null;
    if (closer !== null) this.closeWrite().then(() => closer.resolve(), (error) => closer.reject(error));
  }

  ended(): void {
    this.#ended = true;
    this.#reader?.resolve(null);
    this.#reader = null;
    this.#push();
  }

  closed(error: unknown): void {
    // The peer's end after ours is reported as this alone.
    if (!error && this.#shut) return this.ended();
    this.fail(error ? nodeConnError(error) : new ConnError("reset", "Connection was cut"));
  }
}

/** One set of functions for all connections. */
export const HANDLERS: Omit<BunHandlers<BunConn>, "open"> = {
  data: (socket, chunk) => socket.data.received(chunk),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.ended(),
  close: (socket, error) => socket.data?.closed(error),
  error: (socket, error) => socket.data?.closed(error),
};
