/**
 * The way of an accepted connection: PROXY header in, admit, handshake, authorise, route, choose backend, connect,
 * PROXY header out, relay both ways, record.
 */
import type { Reason } from "../metrics/reasons.ts";
import type { Endpoint } from "../proxy_protocol/endpoint.ts";
import type { Tlv } from "../proxy_protocol/proxy_header.ts";
import { ProxyHeaderError } from "../proxy_protocol/proxy_header_error.ts";
import { quoteValue } from "../net/quote_value.ts";
import type { Conn, ConnError } from "../engines/contract.ts";
import { type Member, NO_PLACE } from "../engines/shared/members.ts";
import { type FailureClass, failureClass } from "../tls/failure_class.ts";
import type { TlsInfo } from "../tls/tls_info.ts";
import type { Expiring } from "./clock.ts";
import { type BackendConn, connectBackend } from "./connect_backend.ts";
import { dismissClient } from "./dismiss_client.ts";
import { backendReason, clientReason, handshakeReason } from "./failure_reasons.ts";
import { RelayPair } from "./relay/relay_pair.ts";
import { NOTHING_FORWARDED, type Preamble, type SessionContext } from "./session_context.ts";
import { createRecord } from "./session_record.ts";
import { writeHeader } from "./write_header.ts";

/** A place among the connections that the limits allow. */
interface Slot {
  giveBack(): void;
}

type Phase = "handshake" | "connect" | "dismissed";

export class Session implements Expiring, Member {
  place = NO_PLACE;
  /** What is given back when it has ended. */
  readonly slot: Slot;
  private context: SessionContext;
  private readonly client: Conn;
  private readonly conn: string;
  private readonly openedMs = performance.now();
  private source: Endpoint;
  /** What the PROXY header in front of TLS says; else `null`, and it is the client's connection that knows. */
  private destination: Endpoint | null = null;
  /** TLVs of the client's PROXY header to hand on to the backend. */
  private forwarded: readonly Tlv[] = NOTHING_FORWARDED;
  private backend: BackendConn | null = null;
  /** Both directions; `null` until they begin. From then on they say how the connection ends. */
  private relays: RelayPair | null = null;
  private tls: TlsInfo = {};
  private handshakeMs: number | undefined;
  /** How many bytes of the client went to the backend with the PROXY header. */
  private earlyBytes = 0;
  /** What is going on until the relay begins. */
  private phase: Phase = "handshake";
  /** The read that the relay will begin with, until there is a relay. */
  private firstRead: Promise<Uint8Array | null> | null = null;
  /** Resolves when a client has left that is dismissed before the relay begins. */
  private dismissal: Promise<void> | null = null;
  /** Why the client cannot be read from while its backend is connected. */
  private lostClient: ConnError | null = null;
  private admitted = false;
  /** Why the connection ends before the relay begins. */
  private reason: Reason | null = null;
  private error: string | undefined;
  private failureClass: FailureClass | undefined;

  constructor(client: Conn, context: SessionContext, slot: Slot) {
    this.client = client;
    this.slot = slot;
    this.context = context;
    this.conn = context.nextId();
    this.source = client.remote;
  }

  /**
   * Brings the connection to where both directions are relayed, and never throws. It does not wait for their end,
   * because each idle connection would keep the frame of this function for that. It is one function, since each
   * `async` function within another costs a new connection a microsecond.
   */
  async run(): Promise<void> {
    const { preamble } = this.context;
    try {
      if (preamble !== null) await this.readPreamble(preamble);
      if (this.admit() && this.findRoute(await this.client.handshake())) {
        this.beginReading();
        this.backend = await connectBackend(this.context, this.source.hostname, () => this.hasGone);
        const refusal = this.context.header === null ? null : await this.writeHeader(this.backend.conn);
        if (this.reason === null) return this.startRelay(this.backend.conn, refusal);
      }
    } catch (error) {
      this.fail(error);
    }
    if (this.dismissal !== null) await this.dismissal;
    this.finish();
  }

  /** Frees everything and makes the record. To be called once. */
  finish(): void {
    const { balancer, admission, telemetry, finished } = this.context;
    const relays = this.relays;
    this.client.close();
    this.backend?.conn.close();
    if (this.backend !== null) balancer.released(this.backend.backend);
    const record = createRecord(this.context, {
      conn: this.conn,
      client: this.source,
      tls: this.handshakeMs === undefined ? this.client.asked?.() ?? this.tls : this.tls,
      backend: this.backend,
      bytesIn: relays?.bytesIn ?? this.earlyBytes,
      bytesOut: relays?.bytesOut ?? 0,
      durationMs: performance.now() - this.openedMs,
      handshakeMs: this.handshakeMs,
      reason: relays?.reason ?? this.reason ?? "client-closed",
      error: relays === null ? this.error : relays.error,
      failureClass: this.failureClass,
    });
    if (this.admitted) {
      admission.release(record.client);
      telemetry.closed(record);
    } else telemetry.rejected(record.reason, record.client, record.error);
    finished(this);
  }

  /** Ends the connection at once, in whatever state. */
  cut(reason: Reason): void {
    if (this.relays !== null) return this.relays.cut(reason);
    this.reason ??= reason;
    this.client.close();
    this.backend?.conn.close();
  }

  /**
   * Ends the connection in good order, where its state allows it: close_notify, FIN, and a moment for the client's own.
   */
  end(reason: Reason): void {
    if (this.relays !== null) return this.relays.end(reason);
    if (this.phase === "handshake") return this.cut(reason);
    if (this.phase === "dismissed") return;
    this.reason ??= reason;
    void this.dismiss();
  }

  /** Whether the handshake is not done so long after the connection was accepted. */
  isHandshakeLate(afterMs: number): boolean {
    return this.phase === "handshake" && performance.now() - this.openedMs >= afterMs;
  }

  /** Ends the connection of a client that has not sent a byte. */
  async endSilent(reason: Reason): Promise<void> {
    if (!await this.client.heard() && this.phase === "handshake") this.cut(reason);
  }

  expire(nowMs: number): void {
    const { handshakeMs, lifetimeMs } = this.context.config.timeouts;
    const ageMs = nowMs - this.openedMs;
    if (this.phase === "handshake" && handshakeMs > 0 && ageMs >= handshakeMs) this.cut("handshake-timeout");
    else if (lifetimeMs > 0 && ageMs >= lifetimeMs) this.end("lifetime");
    else this.relays?.expire(nowMs);
  }

  private async readPreamble(read: (client: Conn) => Promise<Preamble>): Promise<void> {
    try {
      const { endpoints, forwarded } = await read(this.client);
      this.source = endpoints.source;
      this.destination = endpoints.destination;
      this.forwarded = forwarded;
    } catch (error) {
      if (error instanceof ProxyHeaderError) {
        this.reason ??= "proxy-header";
        this.error = `${error.reason}: ${error.message}`;
      } else this.reason ??= handshakeReason(error);
      throw error;
    }
  }

  /** Returns whether the limits admit the client. */
  private admit(): boolean {
    const { admission, telemetry } = this.context;
    const { hostname } = this.source;
    this.reason ??= admission.admit(hostname);
    if (this.reason !== null) return false;
    this.admitted = true;
    telemetry.opened(hostname);
    return true;
  }

  /** Finds the route of a connection whose handshake is done. Returns whether there is a backend to connect to. */
  private findRoute(tls: TlsInfo): boolean {
    const { telemetry, authorise, route } = this.context;
    this.tls = tls;
    this.handshakeMs = performance.now() - this.openedMs;
    if (tls.isValidation) {
      telemetry.handshakeDone(tls.version, tls.resumed, this.handshakeMs);
      this.reason ??= "acme-challenge";
      void this.dismiss();
      return false;
    }
    const refusal = authorise(tls);
    if (refusal !== null) return this.refuse("client-auth", refusal);
    const context = route(tls);
    if (context === null) return this.refuse("no-route", `No route for ${describeTls(tls)}`);
    if (!tls.passthrough) telemetry.handshakeDone(tls.version, tls.resumed, this.handshakeMs);
    this.context = context;
    context.telemetry.routed();
    this.phase = "connect";
    return true;
  }

  /** Refuses a client after its handshake. */
  private refuse(reason: Reason, message: string): false {
    this.reason ??= reason;
    this.error ??= message;
    this.failureClass = failureClass(new Error(message));
    this.context.telemetry.handshakeFailed(reason);
    void this.dismiss();
    return false;
  }

  /** Begins the read that the relay goes on with, which tells meanwhile whether the client is still there. */
  private beginReading(): void {
    this.firstRead = this.client.read();
    // The relay reports a failure of this read. Until it does, the failure must not count as unhandled.
    this.firstRead.catch((error) => this.lostClient = error);
  }

  /** Dismisses the client before the relay begins. */
  private dismiss(): Promise<void> {
    this.phase = "dismissed";
    return this.dismissal ??= dismissClient(this.client, this.firstRead);
  }

  /**
   * Writes the PROXY header. Where bytes of the client went with it, the next read is begun.
   * @returns the failure where the backend takes nothing
   */
  private async writeHeader(backend: Conn): Promise<ConnError | null> {
    const { header, telemetry } = this.context;
    const endpoints = { source: this.source, destination: this.destination ?? this.client.local };
    const bytes = header!(endpoints, this.tls, this.conn, this.forwarded);
    // The connection may live for days, and its header is written once.
    this.forwarded = NOTHING_FORWARDED;
    const failure = await writeHeader(backend, bytes, this.firstRead!, (count) => {
      this.earlyBytes = count;
      telemetry.bytesIn(this.source.hostname, count);
    });
    if (this.earlyBytes > 0 && this.reason === null) {
      const next = this.firstRead = this.client.read();
      next.catch(() => {});
    }
    return failure;
  }

  private startRelay(backend: Conn, refusal: ConnError | null): void {
    const first = this.firstRead!;
    this.firstRead = null;
    this.relays = new RelayPair({
      client: this.client,
      backend,
      host: this.source.hostname,
      bytesIn: this.earlyBytes,
      context: this.context,
      owner: this,
    });
    this.relays.start(first, refusal);
  }

  /** Whether nobody waits for a backend any more. A client that has sent FIN alone may still read. */
  private get hasGone(): boolean {
    return this.reason !== null || (this.lostClient !== null && this.lostClient.kind !== "truncated");
  }

  /**
   * Decides by what was going on what a failure before the relay means, and tells the client where that is possible.
   */
  private fail(error: unknown): void {
    if (this.phase === "handshake" && this.admitted) this.handshakeFailed(error);
    else if (this.phase === "connect" && this.backend === null) this.connectFailed(error);
    this.error ??= messageOf(error);
    this.reason ??= backendReason(error);
  }

  private handshakeFailed(error: unknown): void {
    this.reason ??= handshakeReason(error);
    this.failureClass = failureClass(error);
    this.context.telemetry.handshakeFailed(this.reason);
    if (this.reason === "client-auth") void this.dismiss();
  }

  private connectFailed(error: unknown): void {
    if (this.reason !== null) return;
    if (this.hasGone) {
      this.reason = clientReason(this.lostClient!);
      this.error = messageOf(this.lostClient);
      return;
    }
    this.reason = "backend-unreachable";
    this.error = messageOf(error);
    // The client, which waits for an answer, is told at once that there is none.
    void this.dismiss();
  }
}

function describeTls({ sni, alpn }: TlsInfo): string {
  // Not every engine knows what server the client has named.
  const name = sni === undefined ? "a client" : quoteValue(sni);
  return `${name} with ${alpn === undefined ? "no protocol" : quoteValue(alpn)}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
