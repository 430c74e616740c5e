import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { ACME_TLS } from "../../tls/challenge/challenge.ts";
import { ChallengeError, ChallengeHandshake } from "../../tls/challenge/handshake.ts";
import { readHandshakeMessage, readOffer } from "../../tls/challenge/offer.ts";
import { type ClientHello, ClientHelloReader } from "../../tls/client_hello.ts";
import { isHttpRequest, PLAIN_HTTP_ANSWER } from "../../tls/plain_http.ts";
import { ConnError, type PreambleConn } from "../contract.ts";
import { type AskedFor, askedFor, type TlsInfo } from "../../tls/tls_info.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { isUnlisted } from "./is_unlisted.ts";
import { LastingTlsSocket } from "./lasting_socket.ts";
import { connOf, NodeConn } from "./node_conn.ts";
import { acknowledgeSoon } from "../shared/acknowledge_soon.ts";
import { BULK_RECEIVE_BUFFER_BYTES } from "../shared/receive_buffers.ts";
import { nodeConnError } from "../shared/node_error.ts";
import type { NodeTls } from "./node_tls.ts";

const ON_DENO = runtimeName() === "deno";
const ON_BUN = runtimeName() === "bun";
const ON_NODE = runtimeName() === "node";
/** The C library, which Node cannot call. */
const libc = ON_NODE ? null : (await import("../../linux/thread_libc.ts")).libc;

const SECURE = ["secure"];
const READABLE = ["readable"];
const READABLE_OR_END = ["readable", "end"];

/** How Node calls a failed handshake with a client that speaks HTTP. */
const HTTP_CODES = ["ERR_SSL_HTTP_REQUEST", "ERR_SSL_HTTPS_PROXY_REQUEST"];

/**
 * On Bun, half of what the kernel may hold of a client's bytes until the connection is known to be a bulk transfer whose
 * reader keeps up. Bun reads all that is there at once, up to 512 KiB, and of an application that stalls two such chunks
 * may wait. It has to be set before the client sends: the kernel drops what exceeds a buffer that was made smaller.
 */
const FIRST_RECEIVE_BUFFER_BYTES = 24 * 1024;
/** So many bytes are a bulk transfer if few of them wait for the application. */
const BULK_BYTES = 192 * 1024;
/** An application that does not read lets more wait, also on TCP, where its kernel takes up to 128 KiB for it. */
const FEW_BYTES = 32 * 1024;
/** Bytes of the buffer with which reading the first bytes of a connection begins. */
const FIRST_LOOK_BYTES = 1024;

/**
 * How the end of a connection is reported that its client has reset; one of each for all, as making an error takes
 * long.
 */
const RESET = new ConnError("reset", "Connection reset by peer");
const VANISHED = new ConnError("vanished", "Connection reset by peer");

/** A client's connection, which is plain until its handshake begins. */
export class NodeTlsConn extends NodeConn implements PreambleConn {
  private readonly raw: Socket;
  private readonly tls: NodeTls;
  private socket: TLSSocket | null = null;
  /** Whether the handshake is done. */
  private established = false;
  /** The client's first message, from when it was read until the handshake is done. */
  private hello: ClientHello | null = null;
  /** On Deno, how many bytes of the raw connection had been read when the last chunk arrived. */
  private rawBytes = 0;
  /** On Bun, the descriptor, where it is known. */
  private readonly fd: number | undefined;
  /** Bytes until the receive buffer may be let grow; `Infinity` where it is not bounded. */
  private bytesToBulk: number;

  /**
   * @param raw a socket from which nothing was read, paused but on Deno
   * @param fd its descriptor, where it is known and the runtime does not tell it
   * @param canBound whether the receive buffer may be bounded
   */
  constructor(raw: Socket, tls: NodeTls, fd?: number, canBound = false) {
    super(raw);
    this.fd = fd;
    const isBounded = canBound && fd !== undefined && libc!.limitReceiveBuffer(fd, FIRST_RECEIVE_BUFFER_BYTES);
    this.bytesToBulk = isBounded ? BULK_BYTES : Infinity;
    this.raw = raw;
    this.tls = tls;
    this.watch(raw);
  }

  override heard(): Promise<boolean> {
    return Promise.resolve(this.raw.bytesRead > 0);
  }

  asked(): AskedFor {
    if (this.hello !== null) return askedFor(this.hello.serverName, this.hello.alpn);
    const { servername } = (this.socket ?? {}) as { servername?: unknown };
    return askedFor(typeof servername === "string" ? servername : null);
  }

  // This is no async function, since each within another costs a new connection a microsecond.
  override handshake(): Promise<TlsInfo> {
    if (!this.tls.peeks) return this.shakeHands(this.tls.start(this.raw), null);
    return this.nextChunk("ClientHello").then((chunk) => {
      const reader = new ClientHelloReader({ algorithms: this.tls.choosesByAlgorithms });
      const hello = reader.take(chunk);
      return hello === undefined ? this.peekOn(reader, chunk) : this.begin(hello, chunk);
    });
  }

  /** Reads the rest of a ClientHello that comes in pieces, of which the first is `chunk`. */
  private async peekOn(reader: ClientHelloReader, chunk: Uint8Array): Promise<TlsInfo> {
    const chunks = [chunk];
    for (;;) {
      const next = await this.nextChunk("ClientHello");
      chunks.push(next);
      const hello = reader.take(next);
      if (hello !== undefined) return await this.begin(hello, Buffer.concat(chunks));
    }
  }

  /**
   * Goes on as the ClientHello demands.
   * @param hello `null` where `bytes`, the first that have come, are none
   */
  private begin(hello: ClientHello | null, bytes: Uint8Array): Promise<TlsInfo> | TlsInfo {
    this.hello = hello;
    if (hello === null && isHttpRequest(bytes)) return this.refuseHttp();
    if (this.tls.validates(hello)) return this.validate(bytes);
    this.raw.unshift(bytes);
    const started = this.tls.startFor(this.raw, hello);
    if (started === null) return this.passThrough(hello!.serverName);
    return started instanceof Promise ? started : this.shakeHands(started, hello);
  }

  /** @param hello `null` where it was not read, or the client sent none, so that the handshake fails */
  private shakeHands(socket: TLSSocket, hello: ClientHello | null): Promise<TlsInfo> {
    this.socket = socket;
    this.attach(socket);
    if (socket instanceof LastingTlsSocket) socket.writeFailed = this.makeWriteFailed();
    // Without a `tls.Server`, errors after the handshake are reported by this event only.
    socket.on("_tlsError", NodeTlsConn.onTlsError);
    const shaken = this.next(socket, SECURE).then(() => this.secured(socket, hello));
    if (!ON_BUN) return shaken;
    return shaken.catch((error) => {
      // Bun says "reset" of a client that has sent FIN as well.
      if (!this.established && error instanceof ConnError && error.kind === "reset") {
        throw endedEarly("the handshake", error);
      }
      throw error;
    });
  }

  private secured(socket: TLSSocket, hello: ClientHello | null): TlsInfo {
    this.established = true;
    if (this.fd !== undefined) acknowledgeSoon(this);
    if (ON_DENO) this.rawBytes = this.raw.bytesRead;
    const info = this.tls.info(socket);
    this.hello = null;
    // What was decided by one name must not be accounted under another, which a second ClientHello might have.
    if (hello?.serverName) info.sni = hello.serverName;
    return info;
  }

  /** {@linkcode acknowledgeSoon} */
  acknowledge(): void {
    if (this.isSilent) libc!.acknowledge(this.fd!);
  }

  /** Handles an error of TLS; static as in {@linkcode NodeConn}. */
  private static onTlsError(this: Socket, error: Error): void {
    const conn = connOf(this) as NodeTlsConn | null;
    if (conn === null) return;
    // OpenSSL knows HTTP by its first bytes, and has written nothing then. On Bun the socket takes nothing any more.
    if (ON_NODE && HTTP_CODES.includes((error as NodeJS.ErrnoException).code ?? "")) {
      conn.raw.write(PLAIN_HTTP_ANSWER);
    }
    conn.fail(nodeConnError(error));
  }

  readPreamble(limit: number, parse: (bytes: Uint8Array) => number): Promise<void> {
    return this.look("preamble", limit, (bytes) => parse(bytes) || undefined);
  }

  override closeWrite(): Promise<void> {
    if (!ON_NODE) return super.closeWrite();
    // On Node the close_notify is lost when it comes in the turn that ended the handshake: the session tickets are
    // still on their way.
    return new Promise((resolve) => setImmediate(resolve)).then(() => super.closeWrite());
  }

  cutWrite(): void {
    // On Deno and Node, ending the raw socket sends no close_notify; on Bun it does.
    if (!ON_BUN) this.raw.end();
    // No address tells Unix sockets apart.
    else if (this.remote.hostname === "") this.raw.destroy();
    else libc!.endConnections([{ remote: this.remote, local: this.local, how: "fin" }]);
  }

  override close(): void {
    super.close();
    this.raw.destroy();
  }

  protected override received(chunk: Uint8Array, stopped: boolean): boolean {
    if (ON_DENO) this.rawBytes = this.raw.bytesRead;
    // On Bun a chunk that no read awaits comes again.
    if (this.awaited && (this.bytesToBulk -= chunk.length) <= 0) this.freeBuffer();
    return super.received(chunk, stopped);
  }

  /** Lets the receive buffer grow with the transfer, for one that the application keeps up with. */
  private freeBuffer(): void {
    // An application's connection has a descriptor on Bun, and answers at once.
    const unsent = this.receiver?.unsent();
    if (typeof unsent !== "number" || unsent > FEW_BYTES) return;
    this.bytesToBulk = Infinity;
    // The stream may hold the chunks of a connection that has ended. The descriptor may be another's by then.
    if (!libc!.isConnectedTo(this.fd!, this.remote)) return;
    libc!.limitReceiveBuffer(this.fd!, BULK_RECEIVE_BUFFER_BYTES);
    libc!.freeReceiveBuffer(this.fd!);
  }

  /**
   * Deno also reports an end where the client has reset the connection. Then the socket has no peer any more, which its
   * kernel name shows. The client may have sent close_notify before the reset. It certainly has not where nothing has
   * arrived since the last chunk, which was written to the backend meanwhile. On Node a reset that comes before the
   * session tickets are written fails their write, of which Node says nothing: the kernel does not list the connection
   * any more. There, too, close_notify may have come before. After a write of ours that is not so, as it had failed.
   */
  protected override endFailure(): ConnError | null | Promise<ConnError | null> {
    if (this.socket !== null && !this.established) return endedEarly("the handshake");
    if (ON_NODE && this.socket !== null && !this.hasWritten && this.remote.hostname !== "") {
      return isUnlisted(this).then((gone) => gone ? VANISHED : null);
    }
    if (!ON_DENO || this.remote.hostname === "" || this.socket === null) return null;
    if (this.socket.remoteAddress !== undefined) return null;
    const cut = this.awaited && this.raw.bytesRead === this.rawBytes;
    return cut ? RESET : VANISHED;
  }

  /**
   * On Deno 2.9 a TLS stream that was paused and resumed loses its end. Its raw socket can be paused instead, and goes
   * on after it was told to twice.
   */
  protected override pauseReading(): void {
    if (!ON_DENO) return super.pauseReading();
    this.raw.pause();
  }

  protected override resumeReading(): void {
    if (!ON_DENO) return super.resumeReading();
    this.raw.resume();
    this.raw.pause();
    this.raw.resume();
  }

  /** Tells a client that speaks HTTP that this port is TLS, and fails the handshake. */
  private async refuseHttp(): Promise<never> {
    await new Promise<void>((resolve) => this.raw.end(PLAIN_HTTP_ANSWER, () => resolve()));
    throw new ConnError("tls", "Client speaks HTTP without TLS: http request");
  }

  /** Reads and writes the client's TLS as it is, from the ClientHello on. */
  private passThrough(serverName: string | null): TlsInfo {
    this.attach(this.raw);
    this.raw.resume();
    return { passthrough: true, ...(serverName === null ? {} : { sni: serverName }) };
  }

  /** Does the handshake with an ACME server that validates a name (RFC 8737), and then closes. */
  private async validate(bytes: Uint8Array): Promise<TlsInfo> {
    const offer = readOffer(bytes);
    const message = readHandshakeMessage(bytes);
    if (!offer || message === null) throw new ConnError("tls", "ClientHello of a validation is damaged");
    const { serverName } = offer;
    try {
      const challenge = this.tls.challenges.find((challenge) => challenge.serverName === serverName);
      const handshake = new ChallengeHandshake(message, offer, challenge);
      this.raw.write(handshake.flight);
      let last: Uint8Array | null = null;
      while (last === null) last = handshake.receive(await this.nextChunk("handshake"));
      this.raw.write(last);
    } catch (error) {
      if (!(error instanceof ChallengeError)) throw error;
      if (error.alert !== null) this.raw.write(error.alert);
      throw new ConnError("tls", error.message);
    }
    // Bytes that still arrive are read until the end, and ignored.
    this.attach(this.raw);
    this.raw.resume();
    return { version: "TLSv1.3", sni: serverName, alpn: ACME_TLS, resumed: false, isValidation: true };
  }

  /**
   * Reads the first bytes of the raw connection until `taken` returns how many of them it takes; the others are put
   * back. The buffer grows by doubling, so that a peer that sends byte by byte costs no more than another.
   * @param limit how many bytes are read at most
   */
  private async look(what: string, limit: number, taken: (bytes: Uint8Array) => number | undefined): Promise<void> {
    let buffer = new Uint8Array(Math.min(limit, FIRST_LOOK_BYTES));
    for (let length = 0;;) {
      const chunk = await this.nextChunk(what, limit - length);
      if (length + chunk.length > buffer.length) {
        const larger = new Uint8Array(Math.max(length + chunk.length, 2 * buffer.length));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(chunk, length);
      length += chunk.length;
      const own = taken(buffer.subarray(0, length));
      if (own !== undefined) {
        if (own < length) this.raw.unshift(buffer.subarray(own, length));
        return;
      }
      if (length >= limit) {
        throw new ConnError("other", `Connection has no end of its ${what} within ${limit} bytes`);
      }
    }
  }

  /**
   * Reads the next bytes of the raw connection.
   * @param limit how many bytes at most
   */
  private nextChunk(what: string, limit = Infinity): Promise<Uint8Array> {
    const chunk = this.takeChunk(limit);
    if (chunk !== null) return Promise.resolve(chunk);
    if (this.raw.readableEnded) return Promise.reject(endedEarly(`its ${what}`));
    return this.next(this.raw, READABLE).then(() => this.takeChunk(limit) ?? this.nextChunkOrEnd(what, limit));
  }

  /** The end of a stream is reported as "readable", too, and as the end only when it was looked for. */
  private async nextChunkOrEnd(what: string, limit: number): Promise<Uint8Array> {
    for (;;) {
      if (this.raw.readableEnded) throw endedEarly(`its ${what}`);
      await this.next(this.raw, READABLE_OR_END);
      const chunk = this.takeChunk(limit);
      if (chunk !== null) return chunk;
    }
  }

  /** Returns bytes of the raw connection that have arrived; `null` where none have. */
  private takeChunk(limit: number): Uint8Array | null {
    const waiting = this.raw.readableLength;
    return waiting > 0 ? this.raw.read(Math.min(waiting, limit)) : null;
  }
}

function endedEarly(within: string, cause?: unknown): ConnError {
  return new ConnError("truncated", `Connection ended within ${within}`, { cause });
}
