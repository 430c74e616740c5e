import type { BunHandlers, BunSocket } from "./bun_types.ts";
import {
  BROKEN_PIPE,
  CLOSED_HERE,
  type Conn,
  CONNECTION_CUT,
  type ConnError,
  type Sink,
  WRITTEN,
} from "../contract.ts";
import type { TlsInfo } from "../../tls/tls_info.ts";
import { libc } from "../../linux/thread_libc.ts";
import { nodeConnError } from "../shared/node_error.ts";
import { type StalledWrite, writeGivenUp, writeGoesOn, writeStalls } from "./stalled_writes.ts";
import { socketEnd } from "../shared/socket_end.ts";

/** A socket that knows its connection. */
export type Socket = BunSocket<BunConn>;

/**
 * A connection over a socket that pushes. A chunk goes without a copy to the sink, or to the read that waits for it.
 * Where none waits, the socket is paused.
 */
export class BunConn implements Conn, StalledWrite {
  protected readonly socket: Socket;
  private knownRemote: { hostname: string; port: number } | null = null;
  private knownLocal: { hostname: string; port: number } | null = null;
  /** Whether Bun is about to close the socket, after sending what it still has for the peer. */
  protected endsItself = false;
  /** Chunks received while no read was pending; the socket is paused then. `null` while there has been none. */
  private stock: Uint8Array[] | null = null;
  private paused = false;
  private hasEnded = false;
  private shut = false;
  private failure: ConnError | null = null;
  private reader: PromiseWithResolvers<Uint8Array | null> | null = null;
  protected sink: Sink | null = null;
  /** Whether the sink is still busy with the last chunk. */
  private sinkBusy = false;
  private writer: PromiseWithResolvers<void> | null = null;
  /** The half-close that waits for a pending write. */
  private closer: PromiseWithResolvers<void> | null = null;
  /** The bytes of the pending write that the socket has not taken yet. */
  private rest: Uint8Array | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.data = this;
  }

  // Each of the four is a system call, and what belongs to a backend's connection is hardly ever asked for.
  get remote(): { hostname: string; port: number } {
    return this.knownRemote ??= socketEnd(this.socket.remoteAddress, this.socket.remotePort);
  }

  get local(): { hostname: string; port: number } {
    return this.knownLocal ??= socketEnd(this.socket.localAddress, this.socket.localPort);
  }

  /** Whether both sides may still send, so that the socket has its descriptor. */
  protected get isOpen(): boolean {
    return this.failure === null && !this.hasEnded && !this.shut;
  }

  heard(): Promise<boolean> {
    const { fd } = this.socket;
    return Promise.resolve((this.remote.hostname === "" ? libc.countedBytes(fd) : libc.bytesReceived(fd)) !== 0);
  }

  handshake(): Promise<TlsInfo> {
    return Promise.resolve({});
  }

  read(): Promise<Uint8Array | null> {
    const chunk = this.stock?.shift();
    if (chunk !== undefined) return Promise.resolve(chunk);
    if (this.hasEnded) return Promise.resolve(null);
    if (this.failure !== null) return Promise.reject(this.failure);
    this.resume();
    return (this.reader = Promise.withResolvers()).promise;
  }

  pushTo(sink: Sink): void {
    this.sink = sink;
    this.push();
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    const taken = this.socket.write(bytes);
    if (taken === bytes.length) return WRITTEN;
    // Bytes that the peer has sent may still arrive. `closed` tells that it has left.
    if (taken < 0) {
      this.refused();
      return Promise.reject(BROKEN_PIPE);
    }
    this.rest = bytes.subarray(taken);
    writeStalls(this);
    return (this.writer = Promise.withResolvers()).promise;
  }

  unsent(): number | null {
    return libc.unsentBytes(this.socket.fd);
  }

  /** {@linkcode StalledWrite.shrink} */
  shrink(): number {
    const rest = this.rest;
    if (rest === null || rest.buffer.byteLength === rest.length) return 0;
    // Not `slice`, which on a Buffer copies nothing.
    this.rest = new Uint8Array(rest);
    return rest.buffer.byteLength;
  }

  closeWrite(): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.shut) return WRITTEN;
    // `shutdown` would leave out the bytes that the socket has not taken yet.
    if (this.rest !== null) return (this.closer = Promise.withResolvers()).promise;
    this.shut = true;
    this.socket.shutdown();
    return WRITTEN;
  }

  cutWrite(): void {
    if (this.failure !== null || this.shut) return;
    this.shut = true;
    // Bun has no way to leave close_notify out.
    libc.endConnection(this.socket.fd, "fin");
  }

  abort(): void {
    if (this.failure?.kind === "closed") return;
    this.shut = false;
    this.close();
  }

  close(): void {
    if (this.failure?.kind === "closed") return;
    // After the half-close the kernel has everything, and sends it. Otherwise nothing must be waited for, and only a
    // reset frees the socket of a peer that has stalled.
    const inOrder = this.endsItself || (this.shut && this.failure === null);
    this.failure = null;
    this.stock = null;
    this.fail(CLOSED_HERE);
    if (inOrder) this.socket.end();
    else this.socket.terminate();
  }

  /** A write has failed, for which Bun gives no reason. */
  protected refused(): void {}

  /** Fails everything that waits now or later. The first failure counts. */
  protected fail(failure: ConnError): void {
    this.failure ??= failure;
    this.reader?.reject(this.failure);
    this.writer?.reject(this.failure);
    this.closer?.reject(this.failure);
    this.reader = this.writer = this.closer = null;
    this.giveUpRest();
    this.push();
  }

  private giveUpRest(): void {
    if (this.rest === null) return;
    writeGivenUp(this, this.rest.buffer.byteLength);
    this.rest = null;
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.socket.pause();
  }

  private resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.socket.resume();
  }

  /** Gives the sink the chunks that are there, and then the end. */
  private push(): void {
    while (this.sink !== null && !this.sinkBusy) {
      const chunk = this.stock?.shift();
      if (chunk !== undefined) this.give(this.sink, chunk);
      else if (this.hasEnded || this.failure !== null) {
        const sink = this.sink;
        const failure = this.hasEnded ? null : this.failure;
        this.sink = null;
        queueMicrotask(() => sink.end(failure));
      } else return this.resume();
    }
  }

  private give(sink: Sink, chunk: Uint8Array): void {
    const taking = sink.take(chunk);
    if (taking === WRITTEN) return;
    this.sinkBusy = true;
    this.pause();
    taking.then(() => {
      this.sinkBusy = false;
      this.push();
    });
  }

  // For the handlers below alone.

  received(chunk: Uint8Array): void {
    if (this.sink !== null && !this.sinkBusy) return this.give(this.sink, chunk);
    const reader = this.reader;
    if (reader !== null) {
      this.reader = null;
      reader.resolve(chunk);
      return;
    }
    (this.stock ??= []).push(chunk);
    this.pause();
  }

  drained(): void {
    if (this.rest === null) return;
    const taken = this.socket.write(this.rest);
    if (taken < 0) {
      this.giveUpRest();
      this.refused();
      this.writer?.reject(BROKEN_PIPE);
      this.writer = null;
      return;
    }
    if (taken < this.rest.length) {
      this.rest = this.rest.subarray(taken);
      return;
    }
    this.rest = null;
    writeGoesOn(this);
    this.writer?.resolve();
    this.writer = null;
    const closer = this.closer;
    this.closer = null;
    if (closer !== null) this.closeWrite().then(() => closer.resolve(), (error) => closer.reject(error));
  }

  ended(): void {
    this.hasEnded = true;
    this.reader?.resolve(null);
    this.reader = null;
    this.push();
  }

  closed(error: unknown): void {
    // After a half-close Bun reports the peer's end in this way only.
    if (!error && this.shut) return this.ended();
    this.fail(error ? nodeConnError(error) : CONNECTION_CUT);
  }
}

/** The handlers of all connections. */
export const HANDLERS: Omit<BunHandlers<BunConn>, "open"> = {
  data: (socket, chunk) => socket.data.received(chunk),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.ended(),
  close: (socket, error) => socket.data?.closed(error),
  error: (socket, error) => socket.data?.closed(error),
};
