/** The native engine on Deno: `Deno.listenTls` in front, `Deno.connect` behind. */
import { unmapAddress } from "../config/cidr.ts";
import type { Address } from "../config/config.ts";
import {
  type Conn,
  ConnError,
  type ConnErrorKind,
  type Listener,
  type Runtime,
  type TlsInfo,
  type TlsListenOptions,
  UnsupportedError,
} from "./contract.ts";
import { connectWithRetry } from "./connect_retry.ts";
import { Libc } from "./libc.ts";
import { waitForConnection } from "./poll_deno.ts";
import { ReadBuffer } from "./read_buffer.ts";
import { MAX_RECORD, RecordGatherer } from "./record_gatherer.ts";

const MAX_PLAIN_READ = 64 * 1024;

const libc = new Libc();

export const denoRuntime: Runtime = {
  name: "deno",
  engine: "native",

  // deno-lint-ignore require-await
  async listenTls(options: TlsListenOptions): Promise<Listener> {
    const { address } = options;
    const lacking = unsupported(options);
    if (lacking !== null || address.transport !== "tcp") {
      throw new UnsupportedError(`Cannot listen with the native engine on Deno: ${lacking}`);
    }
    const before = new Set(libc.openFds());
    const listener = Deno.listenTls({
      hostname: address.hostname,
      port: address.port,
      cert: options.certificates[0].cert,
      key: options.certificates[0].key,
      alpnProtocols: options.alpn.length > 0 ? options.alpn : undefined,
      tcpBacklog: options.backlog,
      reusePort: options.reusePort,
    });
    try {
      const fd = libc.newListenerFd(listener.addr, before);
      if (fd === undefined) throw new Error(`Cannot find the descriptor of the listener on port ${address.port}`);
      // There is no API for it, and with Nagle on each answer of more than a segment waits 40 ms for an ACK.
      libc.setTcpOptions(fd);
      return new DenoListener(listener, fd);
    } catch (error) {
      listener.close();
      throw error;
    }
  },

  connect(target: Address, deadline: number): Promise<Conn> {
    return connectWithRetry(() => connectOnce(target, deadline), deadline);
  },
};

class DenoListener implements Listener {
  readonly address: Address;
  readonly #listener: Deno.TlsListener;
  #closed = false;

  constructor(listener: Deno.TlsListener, readonly fd: number) {
    this.#listener = listener;
    this.address = { transport: "tcp", hostname: listener.addr.hostname, port: listener.addr.port };
  }

  async accept(): Promise<Conn> {
    try {
      return new DenoTlsConn(await this.#listener.accept());
    } catch (error) {
      throw connError(error);
    }
  }

  async readable(): Promise<void> {
    while (!this.#closed && !await waitForConnection(this.fd));
  }

  close(): void {
    this.#closed = true;
    this.#listener.close();
  }
}

/** A plain connection, and what it shares with the encrypted one. */
class DenoConn implements Conn {
  readonly remote: { hostname: string; port: number };
  readonly local: { hostname: string; port: number };
  protected readonly inner: Deno.Conn;
  protected writing = 0;
  protected closed = false;
  readonly #buffer: ReadBuffer;
  readonly #received = (count: number | null) => this.received(count);
  protected readonly failed = (error: unknown): never => {
    throw this.fail(error);
  };

  constructor(inner: Deno.Conn, maxRead: number) {
    this.inner = inner;
    this.#buffer = new ReadBuffer(maxRead);
    this.remote = endpoint(inner.remoteAddr);
    this.local = endpoint(inner.localAddr);
  }

  handshake(): Promise<TlsInfo> {
    return Promise.resolve({});
  }

  // Not an async function: each idle connection waits here twice, and a suspended frame costs 0.5 KB.
  read(): Promise<Uint8Array | null> {
    return this.inner.read(this.#buffer.space()).then(this.#received, this.failed);
  }

  protected received(count: number | null): Uint8Array | null {
    return count === null ? null : this.#buffer.filled(count);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.writing++;
    try {
      let written = await this.inner.write(bytes);
      while (written < bytes.length) written += await this.inner.write(bytes.subarray(written));
      this.writing--;
    } catch (error) {
      this.writing--;
      throw this.fail(error);
    }
  }

  async closeWrite(): Promise<void> {
    this.writing++;
    try {
      await this.inner.closeWrite();
      this.writing--;
    } catch (error) {
      this.writing--;
      throw this.fail(error);
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    try {
      this.inner.close();
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  protected fail(error: unknown): ConnError {
    return this.closed ? new ConnError("closed", "Connection was closed here") : connError(error);
  }
}

class DenoTlsConn extends DenoConn {
  #gatherer: RecordGatherer | null = null;
  #established = false;
  /** Nothing that Deno's `close()` would wait for: close_notify is out, or the connection is dead. */
  #finished = false;

  constructor(inner: Deno.TlsConn) {
    super(inner, MAX_RECORD);
  }

  override read(): Promise<Uint8Array | null> {
    if (this.#gatherer !== null) {
      if (!this.#gatherer.drained) return this.#gatherer.read().catch(this.failed);
      this.#gatherer.release();
      this.#gatherer = null;
    }
    return super.read();
  }

  protected override received(count: number | null): Uint8Array | null {
    // A full record is a bulk transfer's.
    if (count === MAX_RECORD) this.#gatherer = new RecordGatherer((space) => this.inner.read(space));
    return super.received(count);
  }

  override async handshake(): Promise<TlsInfo> {
    try {
      const { alpnProtocol } = await (this.inner as Deno.TlsConn).handshake();
      this.#established = true;
      return alpnProtocol === null ? {} : { alpn: alpnProtocol };
    } catch (error) {
      throw this.fail(error);
    }
  }

  override async closeWrite(): Promise<void> {
    await super.closeWrite();
    this.#finished = true;
  }

  override close(): void {
    if (this.closed) return;
    if (this.#finished) return super.close();
    this.closed = true;
    abandon({
      remote: this.remote,
      local: this.local,
      reset: this.#established && this.writing > 0,
      close: () => this.inner.close(),
    });
  }

  protected override fail(error: unknown): ConnError {
    const failure = super.fail(error);
    if (failure.kind === "reset" || failure.kind === "tls") this.#finished = true;
    return failure;
  }
}

type Abandoned = Parameters<Libc["shutdownConnections"]>[0] extends Iterable<infer T> ? T & { close(): void } : never;
const abandoned: Abandoned[] = [];

/**
 * Closes connections whose peer may not let them go: until close_notify is out, Deno's `close()` waits for a stalled
 * handshake, or for a reader that has stopped, and the socket stays. Ending the socket itself first frees it. Those of one
 * turn are collected, so that a thousand expired handshakes cost one scan of the descriptors.
 */
function abandon(connection: Abandoned): void {
  abandoned.push(connection);
  if (abandoned.length > 1) return;
  queueMicrotask(() => {
    const batch = abandoned.splice(0);
    libc.shutdownConnections(batch);
    for (const { close } of batch) close();
  });
}

async function connectOnce(target: Address, deadline: number): Promise<Conn> {
  try {
    if (target.transport === "unix") {
      return new DenoConn(await Deno.connect({ transport: "unix", path: target.path }), MAX_PLAIN_READ);
    }
    const conn = await Deno.connect({
      hostname: target.hostname,
      port: target.port,
      signal: AbortSignal.timeout(Math.max(1, deadline - performance.now())),
    });
    conn.setNoDelay(true);
    conn.setKeepAlive(true);
    return new DenoConn(conn, MAX_PLAIN_READ);
  } catch (error) {
    throw connError(error);
  }
}

const UNIX_ENDPOINT = { hostname: "", port: 0 };

function endpoint(address: Deno.Addr): { hostname: string; port: number } {
  if (address.transport !== "tcp") return UNIX_ENDPOINT;
  // On a dual-stack socket an IPv4 client is ::ffff:a.b.c.d: the same client must not have two names.
  if (!address.hostname.startsWith("::ffff:")) return address;
  return { hostname: unmapAddress(address.hostname), port: address.port };
}

const KINDS: [new (...args: never[]) => Error, ConnErrorKind][] = [
  [Deno.errors.ConnectionReset, "reset"],
  [Deno.errors.BrokenPipe, "reset"],
  [Deno.errors.ConnectionAborted, "reset"],
  [Deno.errors.NotConnected, "reset"],
  [Deno.errors.UnexpectedEof, "truncated"],
  [Deno.errors.ConnectionRefused, "refused"],
  [Deno.errors.NotFound, "refused"],
  [Deno.errors.InvalidData, "tls"],
  [Deno.errors.BadResource, "closed"],
  [Deno.errors.Interrupted, "closed"],
  [Deno.errors.TimedOut, "timeout"],
];

function connError(error: unknown): ConnError {
  if (!(error instanceof Error)) return new ConnError("other", String(error));
  const kind = KINDS.find(([type]) => error instanceof type)?.[1] ?? kindByText(error);
  return new ConnError(kind, error.message, { cause: error });
}

function kindByText(error: Error): ConnErrorKind {
  // These come as a plain Error with the operating system's text; the number is errno(3).
  const errno = Number(/\(os error (\d+)\)/.exec(error.message)?.[1]);
  if ([11, 12, 23, 24, 105].includes(errno)) return "exhausted"; // EAGAIN ENOMEM ENFILE EMFILE ENOBUFS
  if (errno === 104 || errno === 32) return "reset"; // ECONNRESET EPIPE
  if (errno === 111 || errno === 2) return "refused"; // ECONNREFUSED ENOENT
  if (errno === 110) return "timeout"; // ETIMEDOUT
  return error.name === "TimeoutError" || error.name === "AbortError" ? "timeout" : "other";
}

function unsupported(options: TlsListenOptions): string | null {
  if (options.address.transport !== "tcp") return "a Unix socket";
  if (options.fd !== undefined) return "an inherited socket";
  if (options.certificates.length !== 1) return "more than one certificate";
  if (options.sniStrict) return "sni-strict";
  if (options.clientAuth.mode !== "none") return "client certificates";
  if (options.minVersion !== "1.2" || options.maxVersion !== "1.3") return "a choice of TLS versions";
  if (options.preamble) return "a PROXY header in front of TLS";
  return null;
}
