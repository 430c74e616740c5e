import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { ACME_TLS } from "../../tls/challenge/challenge.ts";
import { ChallengeError, ChallengeHandshake } from "../../tls/challenge/handshake.ts";
import { readHandshakeMessage, readOffer } from "../../tls/challenge/offer.ts";
import { type ClientHello, ClientHelloReader } from "../../tls/client_hello.ts";
import { ConnError, type PreambleConn } from "../contract.ts";
import type { TlsInfo } from "../../tls/tls_info.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { NodeConn } from "./node_conn.ts";
import { nodeConnError } from "../shared/node_error.ts";
import type { NodeTls } from "./node_tls.ts";

const ON_DENO = runtimeName() === "deno";
const ON_BUN = runtimeName() === "bun";
const ON_NODE = runtimeName() === "node";
/** Node has no way into the C library. */
const libc = ON_NODE ? null : (await import("../../linux/thread_libc.ts")).libc;

/** The memory that looking at the first bytes of a connection begins with. */
const FIRST_LOOK_BYTES = 1024;

/** A client's connection: plain until its handshake is asked for. */
export class NodeTlsConn extends NodeConn implements PreambleConn {
  readonly #raw: Socket;
  readonly #tls: NodeTls;
  #socket: TLSSocket | null = null;
  /** Bytes of the raw connection when the last chunk came; on Deno. */
  #rawBytes = 0;

  /** @param raw paused, with nothing read from it */
  constructor(raw: Socket, tls: NodeTls) {
    super(raw);
    this.#raw = raw;
    this.#tls = tls;
    this.watch(raw);
  }

  override async handshake(): Promise<TlsInfo> {
    let socket: TLSSocket;
    let hello: ClientHello | null = null;
    if (this.#tls.peeks) {
      const first = await this.#peek();
      hello = first.hello;
      if (this.#tls.validates(hello)) return await this.#validate(first.bytes);
      this.#raw.unshift(first.bytes);
      const started = await this.#tls.startFor(this.#raw, hello);
      if (started === null) return this.#passThrough(hello!.serverName);
      socket = started;
    } else socket = this.#tls.start(this.#raw);
    this.#socket = socket;
    this.attach(socket);
    // Without a `tls.Server` to take them, errors after the handshake come as this event alone.
    socket.on("_tlsError", (error) => this.fail(nodeConnError(error)));
    const left = () => this.fail(new ConnError("truncated", "Connection ended within the handshake"));
    socket.once("end", left);
    await this.next(socket, "secure");
    socket.off("end", left);
    if (ON_DENO) this.#rawBytes = this.#raw.bytesRead;
    const info = this.#tls.info(socket);
    // What was decided by one name must not be accounted under another, which a second ClientHello might have.
    if (hello?.serverName) info.sni = hello.serverName;
    return info;
  }

  readPreamble(limit: number, parse: (bytes: Uint8Array) => number): Promise<void> {
    return this.#look("preamble", limit, (bytes) => parse(bytes) || undefined);
  }

  override async closeWrite(): Promise<void> {
    // On Node the close_notify is lost when it comes in the turn that ended the handshake: the session tickets are
    // still on their way.
    if (ON_NODE) await new Promise((resolve) => setImmediate(resolve));
    await super.closeWrite();
  }

  cutWrite(): void {
    // Deno and Node end the raw socket without a word of TLS; on Bun that one says close_notify, too.
    if (!ON_BUN) this.#raw.end();
    else libc!.endConnections([{ remote: this.remote, local: this.local, how: "fin" }]);
  }

  override close(): void {
    super.close();
    this.#raw.destroy();
  }

  protected override received(chunk: Uint8Array, stopped: boolean): number {
    if (ON_DENO) this.#rawBytes = this.#raw.bytesRead;
    return super.received(chunk, stopped);
  }

  /**
   * Deno says "end" of a client that has reset the connection as well. A connection that was reset has no peer any more, which
   * the socket of TLS asks the kernel for, once. The client may have said close_notify before: only where nothing has come since
   * the last chunk, which was written on meanwhile, it has certainly not.
   */
  protected override endFailure(): ConnError | null {
    if (!ON_DENO || this.remote.hostname === "" || this.#socket === null) return null;
    if (this.#socket.remoteAddress !== undefined) return null;
    const cut = this.awaited && this.#raw.bytesRead === this.#rawBytes;
    return new ConnError(cut ? "reset" : "vanished", "Connection reset by peer");
  }

  /**
   * On Deno 2.9 the end of a TLS stream is lost once that was paused and resumed. Its raw socket can be paused instead,
   * and goes on after it was told twice.
   */
  protected override pauseReading(): void {
    if (!ON_DENO) return super.pauseReading();
    this.#raw.pause();
  }

  protected override resumeReading(): void {
    if (!ON_DENO) return super.resumeReading();
    this.#raw.resume();
    this.#raw.pause();
    this.#raw.resume();
  }

  /** Reads and writes the client's TLS as it is, from the ClientHello on. */
  #passThrough(serverName: string | null): TlsInfo {
    this.attach(this.#raw);
    this.#raw.resume();
    return { passthrough: true, ...(serverName === null ? {} : { sni: serverName }) };
  }

  /** Reads the ClientHello, and the bytes it came in; `null` where there is none. */
  async #peek(): Promise<{ hello: ClientHello | null; bytes: Uint8Array }> {
    const reader = new ClientHelloReader();
    const chunks: Uint8Array[] = [];
    for (;;) {
      const chunk = await this.#nextChunk("ClientHello");
      chunks.push(chunk);
      const hello = reader.take(chunk);
      if (hello === undefined) continue;
      return { hello, bytes: chunks.length === 1 ? chunk : Buffer.concat(chunks) };
    }
  }

  /** Shakes hands with an ACME server that wants to see a challenge (RFC 8737), and says that this was all. */
  async #validate(bytes: Uint8Array): Promise<TlsInfo> {
    const offer = readOffer(bytes);
    const message = readHandshakeMessage(bytes);
    if (!offer || message === null) throw new ConnError("tls", "ClientHello of a validation is damaged");
    const { serverName } = offer;
    try {
      const challenge = this.#tls.challenges.find((challenge) => challenge.serverName === serverName);
      const handshake = new ChallengeHandshake(message, offer, challenge);
      this.#raw.write(handshake.flight);
      let last: Uint8Array | null = null;
      while (last === null) last = handshake.receive(await this.#nextChunk("handshake"));
      this.#raw.write(last);
    } catch (error) {
      if (!(error instanceof ChallengeError)) throw error;
      if (error.alert !== null) this.#raw.write(error.alert);
      throw new ConnError("tls", error.message);
    }
    // What still comes is read to its end, and is nobody's.
    this.attach(this.#raw);
    this.#raw.resume();
    return { version: "TLSv1.3", sni: serverName, alpn: ACME_TLS, resumed: false, isValidation: true };
  }

  /**
   * Looks at the first bytes of the raw connection until `taken` knows how many of them are its own; the others are put
   * back. They are kept in a buffer that grows by doubling: a peer that sends byte by byte costs no more than another.
   * @param limit bytes to look at, at most
   */
  async #look(what: string, limit: number, taken: (bytes: Uint8Array) => number | undefined): Promise<void> {
    let buffer = new Uint8Array(Math.min(limit, FIRST_LOOK_BYTES));
    for (let length = 0;;) {
      const chunk = await this.#nextChunk(what, limit - length);
      if (length + chunk.length > buffer.length) {
        const larger = new Uint8Array(Math.max(length + chunk.length, 2 * buffer.length));
        larger.set(buffer.subarray(0, length));
        buffer = larger;
      }
      buffer.set(chunk, length);
      length += chunk.length;
      const own = taken(buffer.subarray(0, length));
      if (own !== undefined) {
        if (own < length) this.#raw.unshift(buffer.subarray(own, length));
        return;
      }
      if (length >= limit) {
        throw new ConnError("other", `Connection has no end of its ${what} within ${limit} bytes`);
      }
    }
  }

  /**
   * The next bytes of the raw connection.
   * @param limit how many, at most
   */
  async #nextChunk(what: string, limit = Infinity): Promise<Uint8Array> {
    const raw = this.#raw;
    for (;;) {
      const waiting = Math.min(raw.readableLength, limit);
      const chunk: Uint8Array | null = waiting > 0 ? raw.read(waiting) : raw.read();
      if (chunk !== null) return chunk;
      if (raw.readableEnded) throw new ConnError("truncated", `Connection ended within its ${what}`);
      await this.next(raw, "readable", "end");
    }
  }
}
