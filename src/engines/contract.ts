/**
 * The interface between the proxy and what it runs on. Each engine implements it, and the session and the relay know
 * nothing else of an engine. An engine that cannot honour an option refuses it before binding, and says why.
 */
import type { Address } from "../net/address.ts";
import type { TlsListenOptions } from "../tls/listen_options.ts";
import type { AskedFor, TlsInfo } from "../tls/tls_info.ts";

export type ConnErrorKind =
  /** The peer reset the connection (ECONNRESET). */
  | "reset"
  /** The peer takes nothing more (EPIPE): it has closed, in good order or not, or its reset was reported before. */
  | "broken-pipe"
  /** The peer has left, in good order or not: the engine cannot tell, and bytes may be missing. */
  | "vanished"
  /** FIN without close_notify: the peer's bytes may have been cut (RFC 8446 section 6.1). */
  | "truncated"
  /** The TLS handshake failed, or a record was invalid. */
  | "tls"
  /** The client's certificate is missing, or could not be verified. */
  | "certificate"
  /** No route takes the connection; the client was told by an alert. */
  | "no-route"
  /** No process listens there (ECONNREFUSED, ENOENT). */
  | "refused"
  /** A deadline passed. */
  | "timeout"
  /** The connection or listener was closed on this side. */
  | "closed"
  /** Out of descriptors or buffers (EMFILE, ENFILE, ENOBUFS, ENOMEM): try again later. */
  | "exhausted"
  | "other";

/** The only class of errors that connections and listeners throw. */
export class ConnError extends Error {
  override readonly name = "ConnError";
  constructor(readonly kind: ConnErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * What was pending when a connection was closed here gets this. It is one for all, since making an error takes 27 µs.
 */
export const CLOSED_HERE = new ConnError("closed", "Connection was closed here");

/** What was pending when the peer left without saying how gets this. It is one for all, for the same reason. */
export const CONNECTION_CUT = new ConnError("reset", "Connection was cut");

/** What was pending when the peer has reset the connection gets this. It is one for all, for the same reason. */
export const CONNECTION_RESET = new ConnError("reset", "Connection reset by peer (ECONNRESET)");

/** What is written to a peer that has left gets this. It is one for all, for the same reason. */
export const BROKEN_PIPE = new ConnError("broken-pipe", "Broken pipe (EPIPE)");

/** An engine cannot do what the listener asks. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
}

/** What {@linkcode Conn.write} returns where everything was taken at once. It need not be awaited. */
export const WRITTEN: Promise<void> = Promise.resolve();

/** Receives the bytes of a connection, chunk by chunk. */
export interface Sink {
  /**
   * Takes the next bytes. Neither function is called again before the promise resolves, which may be {@linkcode
   * WRITTEN} itself. It never rejects.
   */
  take(bytes: Uint8Array): Promise<void>;
  /** {@linkcode Conn.unsent} of the connection that the bytes are passed on to. */
  unsent(): number | null | Promise<number | null>;
  /**
   * Takes the peer's orderly end, or a failure. It is the last call, and never comes within a call of the connection.
   */
  end(failure: ConnError | null): void;
}

/**
 * Receives the outcome of reads and writes that were begun for it, without a promise for each. The functions never
 * throw, and never come within a call of the connection.
 */
export interface Receiver {
  /** The next bytes, which are valid until the next read; `null` is the peer's orderly end. */
  received(bytes: Uint8Array | null): void;
  /** {@linkcode Conn.unsent} of the connection that bytes which were read are passed on to. */
  unsent(): number | null | Promise<number | null>;
  /** Everything was taken. */
  written(): void;
  /** The read or the write has failed. */
  failed(error: ConnError): void;
}

export interface Conn {
  /** The peer; `hostname` is "" on a Unix socket. */
  readonly remote: { hostname: string; port: number };
  /** The proxy's end, which is the destination in a PROXY header. */
  readonly local: { hostname: string; port: number };
  /** Whether a byte has come from the peer, as far as anybody can tell. To be asked before the handshake is done. */
  heard(): Promise<boolean>;
  /**
   * Completes the TLS handshake. On a connection to a backend it resolves at once.
   * @throws {ConnError} kind `tls`, `reset`, `truncated` or `closed`; or `certificate`, after which
   * {@linkcode Conn.closeWrite} still tells a client for which the handshake has succeeded
   */
  handshake(): Promise<TlsInfo>;
  /**
   * What a client has asked for whose handshake is not done, or has failed, as far as the engine knows. Only
   * connections of clients have it.
   */
  asked?(): AskedFor;
  /**
   * Reads the next bytes, which are valid until the next call; `null` is the peer's orderly end (close_notify, or FIN
   * on a plain socket).
   * @throws {ConnError}
   */
  read(): Promise<Uint8Array | null>;
  /**
   * Does the same as {@linkcode Conn.read}, and tells the receiver, which is the same in each call. Engines have it
   * together with {@linkcode Conn.writeFor}, where two promises less for each chunk can be measured.
   */
  readFor?(receiver: Receiver): void;
  /** Does the same as {@linkcode Conn.write}, and tells the receiver, which is the same in each call. */
  writeFor?(bytes: Uint8Array, receiver: Receiver): void;
  /**
   * Replaces {@linkcode Conn.read} from now on: everything goes to `sink` as it arrives. Engines whose sockets push
   * have it, because it spares them a promise and a turn of the event loop for each chunk.
   */
  pushTo?(sink: Sink): void;
  /**
   * Writes all of `bytes`, and resolves when the next write may begin, which is the backpressure. `bytes` may be reused
   * then.
   * @throws {ConnError}
   */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Bytes in the kernel that were written and that the peer has not acknowledged, or on a Unix socket not read; `null`
   * where nobody knows, or the connection is closed. It costs one or two system calls, and a promise where the engine
   * has no descriptor. Several that are asked in one turn of the event loop then share a query.
   */
  unsent(): number | null | Promise<number | null>;
  /** Half-closes by close_notify and FIN, after everything that was written. A second call has no effect. */
  closeWrite(): Promise<void>;
  /**
   * Sends FIN without close_notify, after everything that was written: the peer receives that, and sees that bytes may
   * be missing (RFC 8446 section 6.1). Only connections of clients have it.
   */
  cutWrite?(): void;
  /** Frees the socket at once, in every state: during a stalled handshake, with a write pending, twice. */
  close(): void;
  /**
   * Does the same as {@linkcode Conn.close}, and resets a TCP connection, so that the peer sees that bytes are missing.
   * A Unix socket has no reset that reaches the peer's reader, which sees an end.
   */
  abort(): void;
}

/** A client connection that has bytes in front of its TLS (PROXY protocol). */
export interface PreambleConn extends Conn {
  /**
   * Reads bytes before the handshake. `parse` receives all bytes so far, and returns how many of them are the preamble,
   * or 0 while more are needed. It may throw to refuse. At most `limit` bytes are read.
   */
  readPreamble(limit: number, parse: (bytes: Uint8Array) => number): Promise<void>;
}

/** Receives the connections of a listener as they come. */
export interface Acceptor {
  accepted(conn: Conn): void;
  /** What {@linkcode Listener.accept} throws; after kind `closed` nothing comes any more. */
  failed(error: ConnError): void;
}

export interface Listener {
  /** The bound address, with the port that the kernel has chosen where 0 was asked for. */
  readonly address: Address;
  /** The listener's own descriptor, which is closed with it, where the engine knows it. */
  readonly fd?: number;
  /**
   * Returns the next connection, whose handshake may be under way already.
   * @throws {ConnError} kind `exhausted` (go on after a pause) or `closed`
   */
  accept(): Promise<Conn>;
  /**
   * Replaces {@linkcode Listener.accept} from now on: each connection goes to `acceptor` as it comes, without a promise.
   * Engines that accept connections as they come have it.
   */
  acceptTo?(acceptor: Acceptor): void;
  /**
   * Resolves when a connection waits to be accepted, or the listener is closed. It is present where connections wait in
   * the kernel until {@linkcode Listener.accept} is called, and absent where the engine accepts them as they come, so
   * that those above a limit have to be closed.
   */
  readable?(): Promise<void>;
  /**
   * Prepares to serve by other options on the same socket, and returns a function that begins to do so with the next
   * connection. Absent where the engine needs a new socket for that.
   * @throws {Error} where the options are wrong
   */
  renew?(options: TlsListenOptions): () => void;
  /**
   * Makes the keys of session tickets from this secret from now on, so that a session resumes in every worker that has
   * it. Absent where the engine chooses its keys itself.
   */
  shareTickets?(secret: Uint8Array): void;
  /** Stops listening. Connections go on. */
  close(): void;
}

/** What listens and connects: `native` or `node` of the configuration, on this runtime. */
export interface Engine {
  /**
   * Binds and listens.
   * @throws {UnsupportedError} before binding
   * @throws {Error} when the address cannot be bound
   */
  listenTls(options: TlsListenOptions): Promise<Listener>;
  /**
   * Connects to a backend, with retries where its accept backlog is full (EAGAIN on a Unix socket).
   * @param deadline `performance.now()` time in milliseconds at which to give up
   * @throws {ConnError} kind `refused`, `timeout`, `exhausted` or `other`
   */
  connect(target: Address, deadline: number): Promise<Conn>;
}
