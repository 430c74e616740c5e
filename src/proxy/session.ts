/**
 * The way of an accepted connection: PROXY header in, admit, handshake, authorise, route, choose backend, connect, PROXY
 * header out, relay both ways, record.
 */
import type { Reason } from "../metrics/reasons.ts";
import type { Endpoints } from "../proxy_protocol/endpoint.ts";
import type { Tlv } from "../proxy_protocol/proxy_header.ts";
import { ProxyHeaderError } from "../proxy_protocol/proxy_header_error.ts";
import { quoteValue } from "../net/quote_value.ts";
import type { Conn, ConnError } from "../engines/contract.ts";
import { type FailureClass, failureClass } from "../tls/failure_class.ts";
import type { TlsInfo } from "../tls/tls_info.ts";
import type { Expiring } from "./clock.ts";
import { type BackendConn, connectBackend } from "./connect_backend.ts";
import { dismissClient } from "./dismiss_client.ts";
import { backendReason, clientReason, handshakeReason } from "./failure_reasons.ts";
import { RelayPair } from "./relay_pair.ts";
import type { Preamble, SessionContext } from "./session_context.ts";
import { createRecord } from "./session_record.ts";
import { writeHeader } from "./write_header.ts";

const NOTHING_FORWARDED: readonly Tlv[] = [];

type Phase = "handshake" | "connect" | "dismissed";

export class Session implements Expiring {
  #context: SessionContext;
  readonly #client: Conn;
  readonly #conn: string;
  readonly #openedMs = performance.now();
  #endpoints: Endpoints;
  /** TLVs of the client's PROXY header to hand on to the backend. */
  #forwarded: readonly Tlv[] = NOTHING_FORWARDED;
  #backend: BackendConn | null = null;
  /** Both directions; `null` until they begin. From then on they say how the connection ends. */
  #relays: RelayPair | null = null;
  #tls: TlsInfo = {};
  #handshakeMs: number | undefined;
  /** How many bytes of the client went to the backend with the PROXY header. */
  #earlyBytes = 0;
  /** What is going on until the relay begins. */
  #phase: Phase = "handshake";
  /** The read that the relay will begin with, until there is a relay. */
  #firstRead: Promise<Uint8Array | null> | null = null;
  /** Resolves when a client has left that is dismissed before the relay begins. */
  #dismissal: Promise<void> | null = null;
  /** Why the client cannot be read from while its backend is connected. */
  #lostClient: ConnError | null = null;
  #admitted = false;
  /** Why the connection ends before the relay begins. */
  #reason: Reason | null = null;
  #error: string | undefined;
  #failureClass: FailureClass | undefined;

  constructor(client: Conn, context: SessionContext) {
    this.#client = client;
    this.#context = context;
    this.#conn = context.nextId();
    this.#endpoints = { source: client.remote, destination: client.local };
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
    this.finish();
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
    const refusal = await this.#writeHeader(this.#backend.conn, firstRead);
    if (this.#reason !== null) return false;
    this.#relay(this.#backend.conn, refusal);
    return true;
  }

  /** Frees everything and makes the record. To be called once. */
  finish(): void {
    const { clock, balancer, admission, telemetry, finished } = this.#context;
    const relays = this.#relays;
    clock.delete(this);
    this.#client.close();
    this.#backend?.conn.close();
    if (this.#backend !== null) balancer.released(this.#backend.backend);
    const record = createRecord(this.#context, {
      conn: this.#conn,
      client: this.#endpoints.source,
      tls: this.#tls,
      backend: this.#backend,
      bytesIn: relays?.bytesIn ?? this.#earlyBytes,
      bytesOut: relays?.bytesOut ?? 0,
      durationMs: performance.now() - this.#openedMs,
      handshakeMs: this.#handshakeMs,
      reason: relays?.reason ?? this.#reason ?? "client-closed",
      error: relays === null ? this.#error : relays.error,
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
    if (this.#relays !== null) return this.#relays.cut(reason);
    this.#reason ??= reason;
    this.#client.close();
    this.#backend?.conn.close();
  }

  /** Ends the connection in good order, where its state allows it: close_notify, FIN, and a moment to hear them. */
  end(reason: Reason): void {
    if (this.#relays !== null) return this.#relays.end(reason);
    if (this.#phase === "handshake") return this.cut(reason);
    if (this.#phase === "dismissed") return;
    this.#reason ??= reason;
    void this.#dismiss();
  }

  /** Whether the handshake is not done so long after the connection was accepted. */
  isHandshakeLate(afterMs: number): boolean {
    return this.#phase === "handshake" && performance.now() - this.#openedMs >= afterMs;
  }

  /** Ends the connection of a client that has not sent a byte. */
  async endSilent(reason: Reason): Promise<void> {
    if (!await this.#client.heard() && this.#phase === "handshake") this.cut(reason);
  }

  expire(nowMs: number): void {
    const { handshakeMs, lifetimeMs } = this.#context.config.timeouts;
    const ageMs = nowMs - this.#openedMs;
    if (this.#phase === "handshake" && handshakeMs > 0 && ageMs >= handshakeMs) this.cut("handshake-timeout");
    else if (lifetimeMs > 0 && ageMs >= lifetimeMs) this.end("lifetime");
    else this.#relays?.expire(nowMs);
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

  /** Dismisses the client before the relay begins. */
  #dismiss(): Promise<void> {
    this.#phase = "dismissed";
    return this.#dismissal ??= dismissClient(this.#client, this.#firstRead);
  }

  async #connect(): Promise<BackendConn> {
    this.#phase = "connect";
    try {
      return await connectBackend(this.#context, this.#endpoints.source.hostname, () => this.#hasGone);
    } catch (error) {
      if (this.#reason !== null) throw error;
      if (this.#hasGone) {
        this.#reason = clientReason(this.#lostClient!);
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
   * Writes the PROXY header, if any is wanted. Where bytes of the client went with it, the next read is begun.
   * @returns the failure where the backend takes nothing
   */
  async #writeHeader(backend: Conn, first: Promise<Uint8Array | null>): Promise<ConnError | null> {
    const { header, telemetry } = this.#context;
    if (header === null) return null;
    const bytes = header(this.#endpoints, this.#tls, this.#conn, this.#forwarded);
    // The connection may live for days, and its header is written once.
    this.#forwarded = NOTHING_FORWARDED;
    const failure = await writeHeader(backend, bytes, first, (count) => {
      this.#earlyBytes = count;
      telemetry.bytesIn(this.#endpoints.source.hostname, count);
    });
    if (this.#earlyBytes > 0 && this.#reason === null) {
      const next = this.#firstRead = this.#client.read();
      next.catch(() => {});
    }
    return failure;
  }

  #relay(backend: Conn, refusal: ConnError | null): void {
    const first = this.#firstRead!;
    this.#firstRead = null;
    this.#relays = new RelayPair({
      client: this.#client,
      backend,
      host: this.#endpoints.source.hostname,
      bytesIn: this.#earlyBytes,
      context: this.#context,
      owner: this,
    });
    this.#relays.start(first, refusal);
  }

  /** Whether nobody waits for a backend any more. A client that has sent FIN alone may still read. */
  get #hasGone(): boolean {
    return this.#reason !== null || (this.#lostClient !== null && this.#lostClient.kind !== "truncated");
  }

  #fail(error: unknown): void {
    this.#error ??= messageOf(error);
    this.#reason ??= backendReason(error);
  }
}

function describeTls({ sni, alpn }: TlsInfo): string {
  const name = sni === undefined ? "a client that names no server" : quoteValue(sni);
  return alpn === undefined ? `${name} without a protocol` : `${name} with ${quoteValue(alpn)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
