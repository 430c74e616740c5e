/**
 * The way of an accepted connection:
 * preamble, admit, handshake, authorise, choose backend, connect, PROXY header, relay both ways, record.
 */
import type { Reason } from "../metrics/reasons.ts";
import type { Endpoints } from "../proxy_protocol/endpoint.ts";
import type { Tlv } from "../proxy_protocol/proxy_header.ts";
import { ProxyHeaderError } from "../proxy_protocol/proxy_header_error.ts";
import { quoteValue } from "../net/quote_value.ts";
import { type Conn, ConnError } from "../engines/contract.ts";
import { type FailureClass, failureClass } from "../tls/failure_class.ts";
import type { TlsInfo } from "../tls/tls_info.ts";
import type { Expiring } from "./clock.ts";
import { type BackendConn, connectBackend } from "./connect_backend.ts";
import { type Flow, Relay, type RelayEnd } from "./relay.ts";
import type { Preamble, SessionContext } from "./session_context.ts";
import { createRecord } from "./session_record.ts";

const NOTHING_FORWARDED: readonly Tlv[] = [];

const NOTHING_YET = Promise.resolve(null);

/** How long a client may take to read close_notify and to end, where the proxy ends the connection. */
const CLOSING_MS = 1_000;
/**
 * How long the bytes that a client still sends are read and dropped after its application has answered and closed: in
 * all, and while the client is silent. A client may read the answer only after it has sent everything. The numbers are
 * those of nginx (lingering_time, lingering_timeout).
 */
const LINGER_MS = 30_000;
const LINGER_SILENCE_MS = 5_000;

type Phase = "handshake" | "connect" | "relay" | "half-closed" | "lingering" | "closing";

export class Session implements Expiring {
  #context: SessionContext;
  readonly #client: Conn;
  readonly #conn: string;
  readonly #openedMs = performance.now();
  #endpoints: Endpoints;
  /** TLVs of the client's PROXY header to hand on to the backend. */
  #forwarded: readonly Tlv[] = NOTHING_FORWARDED;
  #backend: BackendConn | null = null;
  /** The relay from the client to the backend; `null` until it begins. */
  #inward: Relay | null = null;
  #tls: TlsInfo = {};
  #handshakeMs: number | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  #phase: Phase = "handshake";
  #phaseMs: number;
  /** The time of the coarse clock when bytes were relayed last. */
  #activeMs: number;
  /** The side that was the first to end in good order. */
  #ending: "client" | "backend" | null = null;
  /** Why nothing more can be written to the backend, though it may have answered. */
  #refusal: ConnError | null = null;
  /**
   * How many things must end before everything is freed: two directions, and the client where its end is waited for.
   */
  #open = 2;
  /** The read that the relay will begin with, until there is a relay. */
  #firstRead: Promise<Uint8Array | null> | null = null;
  /** Resolves when a client has left that is dismissed before the relay begins. */
  #dismissal: Promise<void> | null = null;
  /** Why the client cannot be read from while its backend is connected. */
  #lostClient: ConnError | null = null;
  #closingTimer: ReturnType<typeof setTimeout> | undefined;
  #admitted = false;
  #reason: Reason | null = null;
  #error: string | undefined;
  #failureClass: FailureClass | undefined;

  constructor(client: Conn, context: SessionContext) {
    this.#client = client;
    this.#context = context;
    this.#conn = context.nextId();
    this.#endpoints = { source: client.remote, destination: client.local };
    this.#phaseMs = this.#activeMs = this.#openedMs;
  }

  /**
   * Brings the connection to where both directions are relayed, and never throws. It does not wait for their end,
   * because each idle connection would keep the frame of this function for that.
   */
  async run(): Promise<void> {
    this.#context.clock.add(this);
    try {
      if (await this.#establish()) return;
    } catch (error) {
      this.#fail(error);
    }
    await this.#dismissal;
    this.#finish();
  }

  /** Returns whether the relay has begun. */
  async #establish(): Promise<boolean> {
    const { admission, telemetry, preamble } = this.#context;
    if (preamble !== null) {
      ({ endpoints: this.#endpoints, forwarded: this.#forwarded } = await this.#preamble(preamble));
    }
    this.#reason ??= admission.admit(this.#endpoints.source.hostname);
    if (this.#reason !== null) return false;
    this.#admitted = true;
    telemetry.opened(this.#endpoints.source.hostname);
    try {
      await this.#handshake();
    } catch (error) {
      this.#failureClass = failureClass(error);
      throw error;
    }
    if (this.#tls.isValidation) {
      this.#reason ??= "acme-challenge";
      await this.#dismiss();
      return false;
    }
    const firstRead = this.#firstRead = this.#client.read();
    // The relay reports a failure of this read. Until it does, the failure must not count as unhandled.
    firstRead.catch((error) => this.#lostClient = error);
    this.#backend = await this.#connect();
    const { conn } = this.#backend;
    const { read, failure } = await this.#writeHeader(conn, firstRead);
    if (this.#reason !== null) return false;
    this.#firstRead = null;
    this.#enter("relay");
    this.#inward = new Relay(this.#client, conn, new Inward(this));
    this.#inward.start(read);
    new Relay(conn, this.#client, new Outward(this)).start();
    if (failure !== null) this.#backendRefused(failure);
    return true;
  }

  /** Frees everything and makes the record. To be called once. */
  #finish(): void {
    const { clock, balancer, admission, telemetry, finished } = this.#context;
    clock.delete(this);
    clearTimeout(this.#closingTimer);
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
      failureClass: this.#failureClass,
    });
    if (this.#admitted) {
      admission.release(record.client);
      telemetry.closed(record);
    } else telemetry.rejected(record.reason, record.client, record.error);
    finished(this);
  }

  /** Ends the connection at once, in whatever state. */
  cut(reason: Reason): void {
    this.#reason ??= reason;
    this.#client.close();
    this.#backend?.conn.close();
  }

  /** Ends the connection in good order, where its state allows it: close_notify, FIN, and a moment to hear them. */
  end(reason: Reason): void {
    if (this.#phase === "handshake") return this.cut(reason);
    if (this.#phase === "closing") return;
    this.#reason ??= reason;
    if (this.#inward === null) void this.#dismiss();
    else this.#close();
  }

  /** Whether the handshake is not done, though the client has had so much time to begin with it. */
  maySpeak(sinceMs: number): boolean {
    return this.#phase === "handshake" && performance.now() - this.#openedMs >= sinceMs;
  }

  /** Ends the connection of a client that has not sent a byte. */
  async endSilent(reason: Reason): Promise<void> {
    if (!await this.#client.heard() && this.#phase === "handshake") this.cut(reason);
  }

  expire(nowMs: number): void {
    const { timeouts } = this.#context.config;
    const inPhaseMs = nowMs - this.#phaseMs;
    const silentMs = nowMs - Math.max(this.#activeMs, this.#phaseMs);
    const passed = (limitMs: number, elapsedMs: number) => limitMs > 0 && elapsedMs >= limitMs;
    if (this.#phase === "handshake" && passed(timeouts.handshakeMs, inPhaseMs)) this.cut("handshake-timeout");
    else if (this.#phase === "relay" && passed(timeouts.idleMs, silentMs)) this.end("idle");
    else if (this.#phase === "half-closed" && passed(timeouts.halfCloseMs, silentMs)) this.end("half-close-timeout");
    else if (this.#phase === "lingering" && (inPhaseMs >= LINGER_MS || silentMs >= LINGER_SILENCE_MS)) {
      this.#client.close();
    } else if (passed(timeouts.lifetimeMs, nowMs - this.#openedMs)) this.end("lifetime");
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
   * Dismisses a client before the relay begins: it gets close_notify and FIN, and its bytes are dropped until it has
   * received them. Closing with unread bytes would reset the connection, and the client might see nothing but the
   * reset.
   */
  #dismiss(): Promise<void> {
    return this.#dismissal ??= (async () => {
      this.#enter("closing");
      const timer = setTimeout(() => this.#client.close(), CLOSING_MS);
      try {
        await this.#client.closeWrite();
        if (this.#firstRead !== null && await this.#firstRead === null) return;
        while (await this.#client.read() !== null);
      } catch {
        // The client has left, or its time is over. It is closed next.
      } finally {
        clearTimeout(timer);
      }
    })();
  }

  async #connect(): Promise<BackendConn> {
    this.#enter("connect");
    try {
      return await connectBackend(this.#context, this.#endpoints.source.hostname, () => this.#hasGone);
    } catch (error) {
      if (this.#reason !== null) throw error;
      if (this.#hasGone) {
        this.#reason = isReset(this.#lostClient!) ? "client-reset" : "client-error";
        throw this.#lostClient;
      }
      this.#reason = "backend-unreachable";
      this.#error = messageOf(error);
      // The client, which waits for an answer, is told at once that there is none.
      await this.#dismiss();
      throw error;
    }
  }

  /**
   * Writes the PROXY header, in one write with the client's first bytes if those have arrived.
   * @returns the read that the relay begins with, and the failure where the backend takes nothing
   */
  async #writeHeader(
    backend: Conn,
    first: Promise<Uint8Array | null>,
  ): Promise<{ read: Promise<Uint8Array | null>; failure: ConnError | null }> {
    const { header } = this.#context;
    if (header === null) return { read: first, failure: null };
    let bytes = header(this.#endpoints, this.#tls, this.#conn, this.#forwarded);
    // The connection may live for days, and its header is written once.
    this.#forwarded = NOTHING_FORWARDED;
    let read = first;
    // A backend that speaks first must not wait for a client that does not, so only bytes that have arrived are taken.
    const early = await Promise.race([first, NOTHING_YET]).catch(() => null);
    if (early !== null) {
      const joined = new Uint8Array(bytes.length + early.length);
      joined.set(bytes);
      joined.set(early, bytes.length);
      bytes = joined;
      this.movedIn(early.length);
    }
    let failure: ConnError | null = null;
    try {
      await backend.write(bytes);
    } catch (error) {
      if (!(error instanceof ConnError)) throw error;
      failure = error;
    }
    if (early !== null && this.#reason === null) {
      read = this.#firstRead = this.#client.read();
      read.catch(() => {});
    }
    return { read, failure };
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

  /** Bytes of the client were dropped. They only count as activity while nothing but the client's end is waited for. */
  dropped(): void {
    if (this.#phase === "lingering") this.#activeMs = this.#context.clock.now;
  }

  /** The client has ended, after bytes of it were dropped. */
  drained(failure: ConnError | null): void {
    this.#open--;
    if (failure !== null && this.#phase === "half-closed" && this.#reason === null) this.#clientFailed(failure);
    this.#finishIfOver();
  }

  /**
   * One direction is over. The other goes on after an orderly end, or where an answer may still come; else all ends.
   */
  ended(end: RelayEnd, source: "client" | "backend"): void {
    this.#open--;
    if (this.#reason === null) {
      if (end.kind === "ended") this.#endedInOrder(source);
      else if ((end.side === "source") === (source === "client")) this.#clientFailed(end.error);
      else if (end.side === "target") this.#backendRefused(end.error);
      else this.#backendFailed(end.error);
    }
    this.#finishIfOver();
  }

  #endedInOrder(source: "client" | "backend"): void {
    this.#ending ??= source;
    if (this.#refusal !== null) this.#answered();
    else if (this.#phase === "relay") this.#enter("half-closed");
    else this.#reason = this.#endingReason();
  }

  #clientFailed(error: ConnError): void {
    const reset = isReset(error);
    // After the backend has ended, a reset by the client is only its way of closing.
    if (this.#ending === "backend" && reset) return this.cut(this.#endingReason());
    this.#error = error.message;
    // The application must be able to distinguish a request that was cut from a complete one.
    if (this.#ending !== "client" && error.kind !== "vanished") this.#backend!.conn.abort();
    this.cut(reset ? "client-reset" : "client-error");
  }

  /**
   * The backend takes no more bytes. It may have answered before it closed. The answer goes to the client, which may
   * still be sending, and whose bytes are dropped.
   */
  #backendRefused(error: ConnError): void {
    this.#refusal = error;
    this.#dropInput();
    if (this.#ending === "backend") this.#answered();
    else if (this.#phase === "relay") this.#enter("half-closed");
  }

  /** The backend has failed, and everything that it sent before has been written to the client. */
  #backendFailed(error: ConnError): void {
    if (error.kind === "reset" && this.#refusal !== null && this.#bytesOut > 0) return this.#answered();
    this.#failedBackend(error);
    this.#backend!.conn.close();
    if (this.#client.cutWrite === undefined) return this.#client.close();
    // The client gets no close_notify, so that it can tell that bytes are missing.
    this.#client.cutWrite();
    this.#enter("lingering");
    this.#dropInput();
  }

  /** The backend has answered without reading everything that the client sent. */
  #answered(): void {
    if (this.#bytesOut === 0) this.#failedBackend(this.#refusal!);
    else this.#reason = "backend-closed";
    this.#enter("lingering");
    this.#closeWrite();
  }

  #failedBackend(error: ConnError): void {
    this.#error = error.message;
    this.#reason = error.kind === "reset" ? "backend-reset" : "backend-error";
  }

  /** Ends a relaying connection in good order. A client that does not react is not waited for. */
  #close(): void {
    const lingers = this.#phase === "lingering";
    this.#enter("closing");
    this.#closingTimer = setTimeout(() => this.#client.close(), CLOSING_MS);
    if (lingers) return;
    this.#backend!.conn.close();
    this.#dropInput();
    this.#closeWrite();
  }

  #dropInput(): void {
    if (this.#inward!.discard()) this.#open++;
  }

  #closeWrite(): void {
    this.#open++;
    this.#client.closeWrite().catch(() => this.#client.close()).then(() => {
      this.#open--;
      this.#finishIfOver();
    });
  }

  #finishIfOver(): void {
    if (this.#open === 0) this.#finish();
  }

  #endingReason(): Reason {
    return this.#ending === "client" ? "client-closed" : "backend-closed";
  }

  /** Whether nobody waits for a backend any more. A client that has sent FIN alone may still read. */
  get #hasGone(): boolean {
    return this.#reason !== null || (this.#lostClient !== null && this.#lostClient.kind !== "truncated");
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
  dropped(): void {
    this.session.dropped();
  }
  drained(failure: ConnError | null): void {
    this.session.drained(failure);
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
  // Bytes of the backend are never dropped. Its connection is closed instead.
  dropped(): void {}
  drained(): void {}
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

function isReset({ kind }: ConnError): boolean {
  return kind === "reset" || kind === "vanished";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
