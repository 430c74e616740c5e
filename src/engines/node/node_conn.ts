import type { Socket } from "node:net";
import { CLOSED_HERE, type Conn, CONNECTION_CUT, type ConnError, type Receiver } from "../contract.ts";
import type { TlsInfo } from "../../tls/tls_info.ts";
import { nodeConnError } from "../shared/node_error.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { NO_PLACE } from "../shared/members.ts";
import { ignore, LastingSocket, LastingTlsSocket } from "./lasting_socket.ts";
import { type Stallable, stallWatch } from "./stall_watch.ts";
import { socketEnd } from "../shared/socket_end.ts";
import { unsentBytes } from "../shared/unsent_bytes.ts";

const ON_BUN = runtimeName() === "bun";
const ON_DENO = runtimeName() === "deno";

/**
 * How many chunks may wait for a read before the stream is stopped. To stop it at the first one would make large
 * uploads half as dear again on Deno.
 */
const MAX_QUEUED = 2;
/** A chunk of so many bytes stops the stream alone. Bun reads up to 512 KiB at once. */
const LARGE_CHUNK_BYTES = 128 * 1024;
/**
 * Until so many bytes have come each chunk of {@linkcode FULL_CHUNK_BYTES} stops the stream until it is taken, so that
 * little is held for an application that never reads. An application on a Unix socket takes 208 KiB without reading.
 * Not on Bun: what is left in the kernel there is lost when the client resets the connection.
 */
const TRIAL_BYTES = ON_BUN ? 0 : 320 * 1024;
/** A full TLS record (RFC 8446 section 5.1), which is a sign of a bulk transfer. */
const FULL_CHUNK_BYTES = 16 * 1024;

/**
 * The key of a stream's connection, so that one function handles the events of all streams, without closures for each.
 */
const CONN = Symbol("conn");
type OwnedSocket = Socket & { [CONN]: NodeConn | null };

/** The connection of a stream that one has taken; `null` once it is closed. */
export function connOf(stream: Socket): NodeConn | null {
  return (stream as OwnedSocket)[CONN];
}

interface Waiter<T> {
  resolve(value: T): void;
  reject(error: ConnError): void;
}

const DONE: Promise<void> = Promise.resolve();

/**
 * A connection over a stream that pushes. A chunk goes straight to the read that waits for it. The stream is stopped
 * only when chunks arrive while no read waits, because the other side is slower.
 */
export class NodeConn implements Conn, Stallable {
  readonly remote: { hostname: string; port: number };
  // For the stall watch.
  place = NO_PLACE;
  waitedBefore: unknown = null;
  private stream: Socket;
  private readonly queue: Uint8Array[] = [];
  private stopped = false;
  /** How many have arrived. */
  private chunks = 0;
  /** What is left of {@linkcode TRIAL_BYTES}. */
  private trialBytes = TRIAL_BYTES;
  private ended = false;
  /** Whether anything was written. */
  protected hasWritten = false;
  private failure: ConnError | null = null;
  /** Why nothing can be written any more, while reading goes on. */
  private writeFailure: ConnError | null = null;
  private reader: Waiter<Uint8Array | null> | null = null;
  /** What waits for a read instead, after {@linkcode NodeConn.readFor}. */
  protected receiver: Receiver | null = null;
  private writer: Waiter<void> | null = null;
  /** The half-close that is under way. */
  private closer: Waiter<void> | null = null;
  /** The events that {@linkcode NodeConn.next} waits for. */
  private awaitedEvents: readonly string[] = [];
  private readonly first: Socket;
  private knownLocal: { hostname: string; port: number } | null = null;
  // This is also called, later, for a write that was complete at once. Another one may be under way by then.
  private readonly written = () => {
    if (this.stream.writableLength === 0) this.done();
  };

  /** @param stream connected, not flowing, and not yet {@linkcode NodeConn.attach attached} */
  constructor(stream: Socket) {
    this.remote = socketEnd(stream.remoteAddress, stream.remotePort);
    this.first = this.stream = stream;
    // On Bun a socket knows it no more when TLS has begun.
    if (!ON_DENO) this.knownLocal = this.local;
  }

  // This is a system call, and hardly ever asked for.
  get local(): { hostname: string; port: number } {
    return this.knownLocal ??= socketEnd(this.first.localAddress, this.first.localPort);
  }

  /** {@linkcode Stallable.waiting}: a write, or the chunk after which nobody has read yet. */
  get waiting(): unknown {
    return this.writer ?? (this.stopped && !this.awaited ? this.chunks : null);
  }

  heard(): Promise<boolean> {
    return Promise.resolve(this.stream.bytesRead > 0);
  }

  handshake(): Promise<TlsInfo> {
    return Promise.resolve({});
  }

  read(): Promise<Uint8Array | null> {
    const chunk = this.queue.shift();
    if (chunk !== undefined) return Promise.resolve(chunk);
    if (this.failure !== null) return Promise.reject(this.failure);
    if (this.ended) return Promise.resolve(null);
    return new Promise((resolve, reject) => {
      this.reader = { resolve, reject };
      this.goOn();
    });
  }

  readFor(receiver: Receiver): void {
    if (this.queue.length > 0 || this.failure !== null || this.ended) {
      this.read().then((chunk) => receiver.received(chunk), (error) => receiver.failed(error));
      return;
    }
    this.receiver = receiver;
    this.goOn();
  }

  private goOn(): void {
    if (!this.stopped) return;
    this.stopped = false;
    this.resumeReading();
  }

  write(bytes: Uint8Array): Promise<void> {
    const failure = this.failure ?? this.writeFailure;
    if (failure !== null) return Promise.reject(failure);
    this.hasWritten = true;
    this.stream.write(bytes, this.written);
    // A write may fail before it returns.
    if (this.writeFailure !== null) return Promise.reject(this.writeFailure);
    // The result of `write` does not help: it is true while the stream still holds `bytes`, which the next read
    // overwrites.
    return this.stream.writableLength === 0 ? DONE : this.wait();
  }

  unsent(): Promise<number | null> {
    return unsentBytes(this);
  }

  closeWrite(): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    this.stream.end();
    if (this.stream.writableFinished) return DONE;
    return new Promise((resolve, reject) => this.closer = { resolve, reject });
  }

  close(): void {
    this.leave();
    this.stream.destroy();
  }

  abort(): void {
    this.leave();
    // A Unix socket has no reset, and resetAndDestroy() fails there.
    if (this.remote.hostname === "") this.stream.destroy();
    else this.stream.resetAndDestroy();
  }

  private leave(): void {
    stallWatch.delete(this);
    this.fail(CLOSED_HERE);
    this.disown(this.stream);
    this.disown(this.first);
  }

  /**
   * Takes no more events of `stream`. On Deno a closed stream is garbage for a full collection only, and would keep
   * everything that it refers to.
   */
  private disown(stream: Socket): void {
    (stream as OwnedSocket)[CONN] = null;
    if (stream instanceof LastingTlsSocket || stream instanceof LastingSocket) stream.writeFailed = ignore;
  }

  /** Takes the bytes and events of `stream` from now on. */
  protected attach(stream: Socket): void {
    this.stream = stream;
    stallWatch.add(this);
    this.watch(stream);
    stream.on("data", NodeConn.onData);
    stream.on("end", NodeConn.onEnd);
    stream.on("finish", NodeConn.onFinish);
  }

  /** Fails when `stream` does, without reading from it. */
  protected watch(stream: Socket): void {
    if ((stream as OwnedSocket)[CONN] === this) return;
    (stream as OwnedSocket)[CONN] = this;
    stream.on("error", NodeConn.onError);
    stream.on("close", NodeConn.onClose);
  }

  /** Resolves at the next of `events` of `stream`. No write may be pending. */
  protected next(stream: Socket, events: readonly string[]): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure);
    this.awaitedEvents = events;
    for (const event of events) stream.on(event, NodeConn.onNext);
    return this.wait();
  }

  /** Stops reading, so that bytes wait in the kernel. */
  protected pauseReading(): void {
    this.stream.pause();
  }

  protected resumeReading(): void {
    this.stream.resume();
  }

  /**
   * Takes a chunk that has arrived.
   * @param stopped whether the stream is stopped until it is resumed
   * @returns whether the stream is to be stopped until the next read. On Bun the chunk comes again then.
   */
  protected received(chunk: Uint8Array, stopped: boolean): boolean {
    this.stopped = stopped;
    this.chunks++;
    const onTrial = this.trialBytes > 0 && chunk.length >= FULL_CHUNK_BYTES;
    if (this.trialBytes > 0) this.trialBytes -= chunk.length;
    if (!this.awaited) {
      if (ON_BUN) return true;
      return this.queue.push(chunk) >= MAX_QUEUED || chunk.length >= LARGE_CHUNK_BYTES || onTrial;
    }
    this.arrived(chunk);
    // The next read may have begun within the call.
    return onTrial && !this.awaited;
  }

  /** Whether neither bytes nor an end have come, nor the connection is closed. */
  protected get isSilent(): boolean {
    return this.chunks === 0 && !this.ended && this.failure === null;
  }

  /** Whether a read waits, which means that all chunks before were taken and written. */
  protected get awaited(): boolean {
    return this.reader !== null || this.receiver !== null;
  }

  /** Gives what has arrived to the read that waits for it, if one does. */
  private arrived(chunk: Uint8Array | null): void {
    const { reader, receiver } = this;
    this.reader = this.receiver = null;
    if (receiver !== null) receiver.received(chunk);
    else reader?.resolve(chunk);
  }

  /** The failure that the end of the stream stands for; `null` where the peer has ended in good order. */
  protected endFailure(): ConnError | null | Promise<ConnError | null> {
    return null;
  }

  private endedBy(failure: ConnError | null): void {
    if (failure !== null) return this.fail(failure);
    this.ended = true;
    this.arrived(null);
  }

  /** Fails everything that waits now or later. The first failure counts. */
  protected fail(failure: ConnError): void {
    const cause = this.failure ??= failure;
    if (this.receiver !== null) failSoon(this.receiver, cause);
    this.reader?.reject(cause);
    this.writer?.reject(cause);
    this.closer?.reject(cause);
    this.receiver =
      this.reader =
      this.writer =
      this.closer =
        null;
  }

  /** Fails the pending write, and those that follow. Reading goes on. */
  protected failWrite(error: Error): void {
    this.writeFailure ??= nodeConnError(error);
    this.writer?.reject(this.writeFailure);
    this.writer = null;
  }

  /** Makes a function that calls {@linkcode failWrite}, apart from an assignment: see the traps in src/README.md. */
  protected makeWriteFailed(): (error: Error) => void {
    return (error) => this.failWrite(error);
  }

  private wait(): Promise<void> {
    return new Promise((resolve, reject) => this.writer = { resolve, reject });
  }

  private done(): void {
    this.writer?.resolve();
    this.writer = null;
  }

  // The handlers are static, so that there is one function of each for all connections, with access to private fields.

  private static onData(this: OwnedSocket, chunk: Uint8Array): void {
    const conn = this[CONN];
    if (conn === null || !conn.received(chunk, false)) return;
    conn.stopped = true;
    conn.pauseReading();
    // A stream of Bun stops its socket only when a chunk waits in the stream itself.
    if (ON_BUN) this.unshift(chunk);
  }

  private static onEnd(this: OwnedSocket): void {
    const conn = this[CONN];
    if (conn === null) return;
    const failure = conn.endFailure();
    if (failure instanceof Promise) void failure.then((failure) => conn.endedBy(failure));
    else conn.endedBy(failure);
  }

  private static onNext(this: OwnedSocket): void {
    const conn = this[CONN];
    if (conn === null) return;
    for (const event of conn.awaitedEvents) this.off(event, NodeConn.onNext);
    conn.done();
  }

  private static onFinish(this: OwnedSocket): void {
    const conn = this[CONN];
    if (conn === null) return;
    conn.closer?.resolve();
    conn.closer = null;
  }

  private static onError(this: OwnedSocket, error: Error): void {
    this[CONN]?.fail(nodeConnError(error));
  }

  /** Fails everything that waits for a stream that is closed. */
  private static onClose(this: OwnedSocket): void {
    const conn = this[CONN];
    if (conn === null || (conn.ended && conn.writer === null && conn.closer === null)) return;
    conn.fail(CONNECTION_CUT);
  }
}

/** Fails a read, but not within the call: the relay may just be closing the connection. */
function failSoon(receiver: Receiver, cause: ConnError): void {
  queueMicrotask(() => receiver.failed(cause));
}
