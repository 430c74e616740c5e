/**
 * The seam between the proxy and what it runs on. One adapter per engine implements it; the session and the relay
 * know nothing else. An adapter that cannot honour an option refuses it, before binding, with the reason.
 */
import type { Address } from "../net/address.ts";
import type { TlsListenOptions } from "../tls/listen_options.ts";
import type { TlsInfo } from "../tls/tls_info.ts";

export type ConnErrorKind =
  /** The peer reset the connection (ECONNRESET, EPIPE). */
  | "reset"
  /** The peer has gone without a word, or after its end in good order: the engine cannot tell, and bytes may be missing. */
  | "vanished"
  /** FIN without close_notify: the peer's bytes may have been cut (RFC 8446 section 6.1). */
  | "truncated"
  /** The TLS handshake failed, or a record was invalid. */
  | "tls"
  /** The client's certificate is missing, or could not be verified. */
  | "certificate"
  /** No route takes the connection; the client was told by an alert. */
  | "no-route"
  /** Nobody listens there (ECONNREFUSED, ENOENT). */
  | "refused"
  /** A deadline passed. */
  | "timeout"
  /** `close()` was called here. */
  | "closed"
  /** Out of descriptors or buffers (EMFILE, ENFILE, ENOBUFS, ENOMEM): try again later. */
  | "exhausted"
  | "other";

/** The one error class that crosses the seam. */
export class ConnError extends Error {
  override readonly name = "ConnError";
  constructor(readonly kind: ConnErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** An engine cannot do what the listener asks. */
export class UnsupportedError extends Error {
  override readonly name = "UnsupportedError";
}

/** What {@linkcode Conn.write} answers where everything was taken at once: to wait for it is optional. */
export const WRITTEN: Promise<void> = Promise.resolve();

/** Where a connection puts what it receives, piece by piece. */
export interface Sink {
  /**
   * The next bytes. Nothing more is told before the answer resolves, which may be {@linkcode WRITTEN} itself; it never
   * rejects.
   */
  take(bytes: Uint8Array): Promise<void>;
  /** The peer's clean end, or a failure: the last thing that is told, and never within a call of the connection's own. */
  end(failure: ConnError | null): void;
}

export interface Conn {
  /** The peer; `hostname` is "" on a Unix socket. */
  readonly remote: { hostname: string; port: number };
  /** Our end, for PROXY protocol's destination. */
  readonly local: { hostname: string; port: number };
  /**
   * Completes the TLS handshake; on a backend connection resolves at once.
   * @throws {ConnError} kind `tls`, `reset`, `truncated` or `closed`; or `certificate`, after which the client may still
   * be told by {@linkcode Conn.closeWrite} where it takes the handshake for done
   */
  handshake(): Promise<TlsInfo>;
  /**
   * The next bytes, valid until the next call; `null` is the peer's clean end (close_notify, or FIN on a plain socket).
   * @throws {ConnError}
   */
  read(): Promise<Uint8Array | null>;
  /**
   * Instead of {@linkcode Conn.read}, from now on: everything goes to `sink` as it comes. Where the engine pushes, this spares
   * a promise and its turn for each piece; the others do not have it.
   */
  pushTo?(sink: Sink): void;
  /**
   * Writes all of `bytes`, and resolves when more may follow (that is the backpressure), one write at a time. `bytes` may be
   * reused then.
   * @throws {ConnError}
   */
  write(bytes: Uint8Array): Promise<void>;
  /** Half-close: close_notify and FIN, after everything written, a write that is under way included. Twice is as once. */
  closeWrite(): Promise<void>;
  /**
   * FIN without close_notify, after everything written: the peer sees that bytes may be missing (RFC 8446 section 6.1), and what was
   * written reaches it all the same. Only connections of clients have it.
   */
  cutWrite?(): void;
  /** Frees the socket at once, in every state: during a stalled handshake, with a write pending, twice. */
  close(): void;
  /**
   * As {@linkcode Conn.close}, and over TCP the peer sees that bytes are missing: it is reset. A Unix socket has no reset that
   * reaches the peer's reader; there it sees an end.
   */
  abort(): void;
}

/** A client connection that has bytes in front of its TLS (PROXY protocol). */
export interface PreambleConn extends Conn {
  /**
   * Reads raw bytes before the handshake. `parse` is given all bytes so far and answers the number of bytes that belong to the
   * preamble, or 0 for "more, please"; it may throw to refuse. At most `limit` bytes are read.
   */
  readPreamble(limit: number, parse: (bytes: Uint8Array) => number): Promise<void>;
}

export interface Listener {
  /** The bound address (the port is the real one where 0 was asked). */
  readonly address: Address;
  /** Its descriptor, where the engine knows it; the listener's own, and closed with it. */
  readonly fd?: number;
  /**
   * The next connection, its handshake under way or not.
   * @throws {ConnError} kind `exhausted` (go on after a pause) or `closed`
   */
  accept(): Promise<Conn>;
  /**
   * Resolves when a connection waits to be accepted, or the listener is closed. Present where connections wait in the kernel until
   * {@linkcode Listener.accept} is called; absent where the engine accepts them as they come, so that whoever is one too many
   * has to be closed.
   */
  readable?(): Promise<void>;
  /**
   * Gets ready to serve by other options on the same socket, which the answer then does, from the next connection on. Absent
   * where an engine needs a new socket for that.
   * @throws {Error} where the options are wrong
   */
  renew?(options: TlsListenOptions): () => void;
  /** Stops listening; connections live on. */
  close(): void;
}

export interface Runtime {
  /** `native` or `node`, as in the configuration. */
  readonly engine: "native" | "node";
  /** `deno`, `bun` or `node`. */
  readonly name: string;
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
