import type { Socket } from "node:net";
import { type Conn, ConnError, type TlsInfo } from "./contract.ts";
import { nodeConnError } from "./node_error.ts";
import { plainAddress } from "./plain_address.ts";

/** Chunks that wait for a reader before the stream is paused. */
const MAX_QUEUED = 2;

/** Which connection a stream's events are for: one function for all of them, instead of closures for each. */
const CONN = Symbol("conn");
type OwnedSocket = Socket & { [CONN]: NodeConn };

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: ConnError): void;
}

const DONE: Promise<void> = Promise.resolve();

/**
 * Pulls over a stream that pushes. A chunk goes straight to the read that waits for it; the stream is paused only when its
 * next one finds the last not yet taken, which is when the other side is slower.
 */
export class NodeConn implements Conn {
  readonly remote: { hostname: string; port: number };
  readonly local: { hostname: string; port: number };
  #stream: Socket;
  #queue: Uint8Array[] = [];
  #paused = true;
  #ended = false;
  #failure: ConnError | null = null;
  #reader: Waiter<Uint8Array | null> | null = null;
  #writer: Waiter<void> | null = null;

  /** @param stream connected, paused, and not yet {@linkcode NodeConn.attach attached} */
  constructor(stream: Socket) {
    this.remote = { hostname: plainAddress(stream.remoteAddress ?? ""), port: stream.remotePort ?? 0 };
    this.local = { hostname: plainAddress(stream.localAddress ?? ""), port: stream.localPort ?? 0 };
    this.#stream = stream;
  }

  handshake(): Promise<TlsInfo> {
    return Promise.resolve({});
  }

  read(): Promise<Uint8Array | null> {
    const chunk = this.#queue.shift();
    if (chunk !== undefined) return Promise.resolve(chunk);
    if (this.#failure !== null) return Promise.reject(this.#failure);
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
      if (this.#paused) {
        this.#paused = false;
        this.#stream.resume();
      }
    });
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return this.#stream.write(bytes) ? DONE : this.#done();
  }

  closeWrite(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    this.#stream.end();
    return this.#stream.writableFinished ? DONE : this.#done();
  }

  close(): void {
    this.fail(new ConnError("closed", "Connection was closed here"));
    this.#stream.destroy();
  }

  /** Takes the bytes and the events of `stream` from now on. */
  attach(stream: Socket): this {
    this.#stream = stream;
    this.watch(stream);
    stream.pause();
    stream.on("data", NodeConn.#onData);
    stream.on("end", NodeConn.#onEnd);
    stream.on("drain", NodeConn.#onDone);
    stream.on("finish", NodeConn.#onDone);
    return this;
  }

  /** Ends with `stream`, whose bytes are not ours to read. */
  protected watch(stream: Socket): void {
    (stream as OwnedSocket)[CONN] = this;
    stream.on("error", NodeConn.#onError);
    stream.on("close", NodeConn.#onClose);
  }

  /** Resolves with the next `event` of `stream`; no write may be pending. */
  protected next(stream: Socket, event: string): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure);
    stream.once(event, NodeConn.#onDone);
    return this.#done();
  }

  /** As {@linkcode fail}, for what a stream throws. */
  protected failed(error: unknown): void {
    this.fail(nodeConnError(error));
  }

  /** Everything that waits, or will, gets this failure; the first one counts. */
  protected fail(failure: ConnError): void {
    this.#failure ??= failure;
    this.#reader?.reject(this.#failure);
    this.#writer?.reject(this.#failure);
    this.#reader = this.#writer = null;
  }

  #done(): Promise<void> {
    return new Promise((resolve, reject) => this.#writer = { resolve, reject });
  }

  // Static, and so with access to what is private: one function each, whatever the number of connections.

  static #onData(this: OwnedSocket, chunk: Uint8Array): void {
    const conn = this[CONN];
    const reader = conn.#reader;
    if (reader !== null) {
      conn.#reader = null;
      reader.resolve(chunk);
    } else if (conn.#queue.push(chunk) >= MAX_QUEUED) {
      conn.#paused = true;
      this.pause();
    }
  }

  static #onEnd(this: OwnedSocket): void {
    const conn = this[CONN];
    conn.#ended = true;
    conn.#reader?.resolve(null);
    conn.#reader = null;
  }

  static #onDone(this: OwnedSocket): void {
    const conn = this[CONN];
    conn.#writer?.resolve();
    conn.#writer = null;
  }

  static #onError(this: OwnedSocket, error: Error): void {
    this[CONN].failed(error);
  }

  /** Nothing may wait any longer for a stream that is gone. */
  static #onClose(this: OwnedSocket): void {
    const conn = this[CONN];
    if (conn.#reader === null && conn.#writer === null && conn.#ended) return;
    conn.fail(new ConnError("reset", "Connection was cut"));
  }
}
