/**
 * The way of a connection, once accepted:
 * preamble, admit, handshake, authorise, choose backend, connect, PROXY header, relay both ways, record.
 */
import type { Reason } from "../metrics/reasons.ts";
import type { Endpoints } from "../proxy_protocol/endpoint.ts";
import type { Tlv } from "../proxy_protocol/proxy_header.ts";
import { ProxyHeaderError } from "../proxy_protocol/proxy_header_error.ts";
import { quoteValue } from "../net/quote_value.ts";
import { type Conn, ConnError } from "../engines/contract.ts";
import type { TlsInfo } from "../tls/tls_info.ts";
import type { Expiring } from "./clock.ts";
import { type BackendConn, connectBackend } from "./connect_backend.ts";
import { type Flow, Relay, type RelayEnd } from "./relay.ts";
import type { Preamble, SessionContext } from "./session_context.ts";
import { createRecord } from "./session_record.ts";

const NOTHING_FORWARDED: readonly Tlv[] = [];

const NOTHING_YET = Promise.resolve(null);

/** A connection is closed, in good time, after its last bytes; this long for a close_notify that nobody waits for. */
const CLOSING_MS = 1_000;

type Phase = "handshake" | "connect" | "relay" | "half-closed" | "closing";

export class Session implements Expiring {
  #context: SessionContext;
  readonly #client: Conn;
  readonly #conn: string;
  readonly #openedMs = performance.now();
  #endpoints: Endpoints;
  /** TLVs of the client's PROXY header that the backend's is to have. */
  #forwarded: readonly Tlv[] = NOTHING_FORWARDED;
  #backend: BackendConn | null = null;
  #tls: TlsInfo = {};
  #handshakeMs: number | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #phase: Phase = "handshake";
  #phaseMs: number;
  /** When bytes last moved, on the coarse clock. */
  #activeMs: number;
  /** Which side ended first, in good order. */
  #ending: "client" | "backend" | null = null;
  #endedDirections = 0;
  #admitted = false;
  #reason: Reason | null = null;
  #error: string | undefined;

  constructor(client: Conn, context: SessionContext) {
    this.#client = client;
    this.#context = context;
    this.#conn = context.nextId();
    this.#endpoints = { source: client.remote, destination: client.local };
    this.#phaseMs = this.#activeMs = this.#openedMs;
  }

  /**
   * Takes the connection to where both directions relay, and never throws. It does not wait for their end: ten thousand
   * idle connections would each keep the frame of this function for that.
   */
  async run(): Promise<void> {
    this.#context.clock.add(this);
    try {
      if (await this.#establish()) return;
    } catch (error) {
      this.#fail(error);
    }
    this.#finish();
  }

  /** Answers whether the relay has taken over. */
  async #establish(): Promise<boolean> {
    const { admission, telemetry, preamble } = this.#context;
    if (preamble !== null) {
      ({ endpoints: this.#endpoints, forwarded: this.#forwarded } = await this.#preamble(preamble));
    }
    this.#reason ??= admission.admit(this.#endpoints.source.hostname);
    if (this.#reason !== null) return false;
    this.#admitted = true;
    telemetry.opened(this.#endpoints.source.hostname);
    await this.#handshake();
    if (this.#tls.isValidation) {
      this.#reason ??= "acme-challenge";
      await this.#dismiss();
      return false;
    }
    const firstRead = this.#client.read();
    // Its failure is the relay's to report; until that listens, it must not count as unhandled.
    firstRead.catch(() => {});
    this.#backend = await this.#connect();
    this.#enter("relay");
    const { conn } = this.#backend;
    const { read } = await this.#writeHeader(conn, firstRead);
    new Relay(this.#client, conn, new Inward(this)).start(read);
    new Relay(conn, this.#client, new Outward(this)).start();
    return true;
  }

  /** Frees everything, and tells of it; once. */
  #finish(): void {
    const { clock, balancer, admission, telemetry, finished } = this.#context;
    clock.delete(this);
    this.#client.close();
    this.#backend?.conn.close();
    if (this.#backend !== null) balancer.released(this.#backend.backend);
    const record = createRecord(this.#context, {
      conn: this.#conn,
      client: this.#endpoints.source,
      tls: this.#tls,
      backend: this.#backend,
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      durationMs: performance.now() - this.#openedMs,
      handshakeMs: this.#handshakeMs,
      reason: this.#reason ?? "client-closed",
      error: this.#error,
    });
    if (this.#admitted) {
      admission.release(record.client);
      telemetry.closed(record);
    } else telemetry.rejected(record.reason, record.client, record.error);
    finished(this);
  }

  /** Ends the connection now, in whatever state. */
  end(reason: Reason): void {
    this.#reason ??= reason;
    this.#client.close();
    this.#backend?.conn.close();
  }

  expire(nowMs: number): void {
    const { timeouts } = this.#context.config;
    const inPhaseMs = nowMs - this.#phaseMs;
    const silentMs = nowMs - Math.max(this.#activeMs, this.#phaseMs);
    const passed = (limitMs: number, elapsedMs: number) => limitMs > 0 && elapsedMs >= limitMs;
    if (this.#phase === "handshake" && passed(timeouts.handshakeMs, inPhaseMs)) this.end("handshake-timeout");
    else if (this.#phase === "closing" && passed(CLOSING_MS, inPhaseMs)) this.end("client-closed");
    else if (this.#phase === "relay" && passed(timeouts.idleMs, silentMs)) this.end("idle");
    else if (this.#phase === "half-closed" && passed(timeouts.halfCloseMs, silentMs)) this.end("half-close-timeout");
    else if (passed(timeouts.lifetimeMs, nowMs - this.#openedMs)) this.end("lifetime");
  }

  async #preamble(read: (client: Conn) => Promise<Preamble>): Promise<Preamble> {
    try {
      return await read(this.#client);
    } catch (error) {
      if (error instanceof ProxyHeaderError) {
        this.#reason ??= "proxy-header";
        this.#error = `${error.reason}: ${error.message}`;
      } else this.#reason ??= handshakeReason(error);
      throw error;
    }
  }

  async #handshake(): Promise<void> {
    const { telemetry, authorise } = this.#context;
    try {
      this.#tls = await this.#client.handshake();
      this.#handshakeMs = performance.now() - this.#openedMs;
    } catch (error) {
      const reason = this.#reason ??= handshakeReason(error);
      telemetry.handshakeFailed(reason);
      if (reason === "client-auth") await this.#dismiss();
      throw error;
    }
    const refusal = this.#tls.isValidation ? null : authorise(this.#tls);
    if (refusal !== null) {
      this.#reason ??= "client-auth";
      telemetry.handshakeFailed("client-auth");
      await this.#dismiss();
      throw new Error(refusal);
    }
    if (this.#tls.isValidation) return telemetry.handshakeDone(this.#tls.version, this.#tls.resumed, this.#handshakeMs);
    const context = this.#context.route(this.#tls);
    if (context === null) {
      this.#reason ??= "no-route";
      telemetry.handshakeFailed("no-route");
      await this.#dismiss();
      throw new Error(`No route for ${describeTls(this.#tls)}`);
    }
    if (!this.#tls.passthrough) telemetry.handshakeDone(this.#tls.version, this.#tls.resumed, this.#handshakeMs);
    this.#context = context;
    context.telemetry.routed();
  }

  /**
   * Tells a client whose handshake is done that this was all, and lets it hear that: closing over bytes that nobody has
   * read would reset the connection, and the client might see nothing else.
   */
  async #dismiss(): Promise<void> {
    this.#enter("closing");
    try {
      await this.#client.closeWrite();
      while (await this.#client.read() !== null);
    } catch {
      // It has gone, or its time is over: it is closed next.
    }
  }

  async #connect(): Promise<BackendConn> {
    this.#enter("connect");
    try {
      return await connectBackend(this.#context, () => this.#reason !== null);
    } catch (error) {
      if (this.#reason !== null) throw error;
      this.#reason = "backend-unreachable";
      this.#error = messageOf(error);
      this.#enter("closing");
      // close_notify first: whoever waits for an answer learns at once that there is none.
      await this.#client.closeWrite();
      throw error;
    }
  }

  /**
   * Writes the PROXY header, in one write with the client's first bytes where they are there already.
   * @returns the read that the relay begins with
   */
  async #writeHeader(backend: Conn, first: Promise<Uint8Array | null>): Promise<{ read: Promise<Uint8Array | null> }> {
    const { header } = this.#context;
    if (header === null) return { read: first };
    const bytes = header(this.#endpoints, this.#tls, this.#conn, this.#forwarded);
    // The connection may live for days, and its header is written once.
    this.#forwarded = NOTHING_FORWARDED;
    // A backend that speaks first must not wait for a client that does not: only what has come is taken.
    const early = await Promise.race([first, NOTHING_YET]).catch(() => null);
    if (early === null) {
      await backend.write(bytes);
      return { read: first };
    }
    const joined = new Uint8Array(bytes.length + early.length);
    joined.set(bytes);
    joined.set(early, bytes.length);
    this.movedIn(early.length);
    await backend.write(joined);
    return { read: this.#client.read() };
  }

  movedIn(count: number): void {
    this.#bytesIn += count;
    this.#activeMs = this.#context.clock.now;
    this.#context.telemetry.bytesIn(this.#endpoints.source.hostname, count);
  }

  movedOut(count: number): void {
    this.#bytesOut += count;
    this.#activeMs = this.#context.clock.now;
    this.#context.telemetry.bytesOut(this.#endpoints.source.hostname, count);
  }

  /** One direction is over: the other goes on if this was an orderly end, else everything ends. */
  ended(end: RelayEnd, source: "client" | "backend"): void {
    if (end.kind === "ended") {
      this.#ending ??= source;
      if (this.#phase === "relay") this.#enter("half-closed");
      else this.#reason ??= this.#endingReason();
    } else if (this.#reason === null) {
      const failed = end.side === "source" ? source : source === "client" ? "backend" : "client";
      // Once one side has ended, the other's reset is only its way of closing.
      const closing = this.#ending !== null && this.#ending !== failed && end.error.kind === "reset";
      if (closing) this.end(this.#endingReason());
      else {
        this.#error = end.error.message;
        this.end(`${failed}-${end.error.kind === "reset" ? "reset" : "error"}`);
      }
    }
    if (++this.#endedDirections === 2) this.#finish();
  }

  #endingReason(): Reason {
    return this.#ending === "client" ? "client-closed" : "backend-closed";
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#phaseMs = this.#activeMs = performance.now();
  }

  #fail(error: unknown): void {
    this.#error ??= messageOf(error);
    this.#reason ??= error instanceof ConnError && error.kind === "reset" ? "backend-reset" : "backend-error";
  }
}

/** From the client to the backend. */
class Inward implements Flow {
  constructor(readonly session: Session) {}
  moved(count: number): void {
    this.session.movedIn(count);
  }
  ended(end: RelayEnd): void {
    this.session.ended(end, "client");
  }
}

/** From the backend to the client. */
class Outward implements Flow {
  constructor(readonly session: Session) {}
  moved(count: number): void {
    this.session.movedOut(count);
  }
  ended(end: RelayEnd): void {
    this.session.ended(end, "backend");
  }
}

function handshakeReason(error: unknown): Reason {
  if (!(error instanceof ConnError)) return "handshake-failed";
  if (error.kind === "certificate") return "client-auth";
  if (error.kind === "no-route") return "no-route";
  return error.kind === "reset" ? "client-reset" : "handshake-failed";
}

function describeTls({ sni, alpn }: TlsInfo): string {
  const name = sni === undefined ? "a client that names no server" : quoteValue(sni);
  return alpn === undefined ? `${name} without a protocol` : `${name} with ${quoteValue(alpn)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
