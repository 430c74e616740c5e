/** Both directions of a connection: which bytes went which way, and how and why the connection ends. */
import type { Reason } from "../../metrics/reasons.ts";
import type { Conn, ConnError } from "../../engines/contract.ts";
import { backendFailure } from "./backend_end.ts";
import { allReceived } from "./all_received.ts";
import { CLOSING_MS } from "../dismiss_client.ts";
import { clientReason, isReset } from "../failure_reasons.ts";
import { Relay, type RelayEnd } from "./relay.ts";
import { type Directions, Inward, Outward } from "./directions.ts";
import type { SessionContext } from "../session_context.ts";
import { LOOKS, Uptake } from "./uptake.ts";

/**
 * How long the bytes that a client still sends are read and dropped after its application has answered and closed: in
 * all, and while the client is silent. A client may read the answer only after it has sent everything. The numbers are
 * those of nginx (lingering_time, lingering_timeout).
 */
const LINGER_MS = 30_000;
const LINGER_SILENCE_MS = 5_000;
/**
 * How long a client whose application has failed within an answer is watched: one that still sends has an early answer,
 * and one that waits has an answer that was cut.
 */
const STILL_SENDING_MS = 1_000;

type Phase = "relay" | "half-closed" | "watched" | "lingering" | "closing";

/** The owner of a pair of relays. */
interface RelayOwner {
  /** Called once, when both directions have ended. */
  finish(): void;
}

/** What is relayed, and for whom. */
interface RelayPairOptions {
  client: Conn;
  backend: Conn;
  /** The client's address, for the counters. */
  host: string;
  /** How many bytes of the client went to the backend with the PROXY header. */
  bytesIn: number;
  context: Pick<SessionContext, "clock" | "config" | "telemetry">;
  owner: RelayOwner;
}

export class RelayPair implements Directions {
  private readonly client: Conn;
  private readonly backend: Conn;
  private readonly host: string;
  private readonly context: RelayPairOptions["context"];
  private readonly owner: RelayOwner;
  private readonly inward: Relay;
  private readonly outward: Relay;
  private countIn: number;
  private countOut = 0;
  private phase: Phase = "relay";
  private phaseMs: number;
  /** The time of the coarse clock when bytes were relayed last. */
  private activeMs: number;
  /** Watches a silent connection. */
  private uptake: Uptake | null = null;
  /** The side that was the first to end in good order. */
  private ending: "client" | "backend" | null = null;
  /** Why nothing more can be written to the backend, though it may have answered. */
  private refusal: ConnError | null = null;
  /** Why nothing more can be written to the client, though bytes of it may still be on their way to the backend. */
  private loss: ConnError | null = null;
  /**
   * How many things must end before everything is freed: two directions, and the client where its end is waited for.
   */
  private open = 2;
  private phaseTimer: ReturnType<typeof setTimeout> | undefined;
  private endReason: Reason | null = null;
  private endError: string | undefined;

  constructor({ client, backend, host, bytesIn, context, owner }: RelayPairOptions) {
    this.client = client;
    this.backend = backend;
    this.host = host;
    this.countIn = bytesIn;
    this.context = context;
    this.owner = owner;
    this.phaseMs = this.activeMs = performance.now();
    this.inward = new Relay(client, backend, new Inward(this));
    this.outward = new Relay(backend, client, new Outward(this));
  }

  /** From the client to the backend. */
  get bytesIn(): number {
    return this.countIn;
  }

  /** From the backend to the client. */
  get bytesOut(): number {
    return this.countOut;
  }

  /** Why the connection has ended. */
  get reason(): Reason {
    return this.endReason ?? "client-closed";
  }

  /** The failure that has ended it, if any. */
  get error(): string | undefined {
    return this.endError;
  }

  /**
   * @param first the read of the client that has begun already
   * @param refusal why the backend takes no bytes, where it did not take the PROXY header
   */
  start(first: Promise<Uint8Array | null>, refusal: ConnError | null): void {
    this.inward.start(first);
    this.outward.start();
    if (refusal !== null) this.backendRefused(refusal);
  }

  /** Ends both directions at once, in whatever state. */
  cut(reason: Reason): void {
    this.endReason ??= reason;
    this.client.close();
    this.backend.close();
  }

  /** Ends both directions in good order: close_notify, FIN, and a moment for the client's own to arrive. */
  end(reason: Reason): void {
    if (this.phase === "closing") return;
    this.endReason ??= reason;
    this.closeInOrder();
  }

  /** Ends what has been silent for too long at `nowMs`, or soon afterwards. */
  expire(nowMs: number): void {
    const { idleMs, halfCloseMs } = this.context.config.timeouts;
    switch (this.phase) {
      case "relay":
        return this.expireSilent(idleMs, nowMs, "idle");
      case "half-closed":
        return this.expireSilent(halfCloseMs, nowMs, "half-close-timeout");
      case "lingering":
        if (nowMs - this.phaseMs >= LINGER_MS) return this.client.close();
        return this.expireSilent(LINGER_SILENCE_MS, nowMs, null);
      case "watched":
      case "closing":
        return;
    }
  }

  /**
   * Ends the connection where nothing was relayed for `limitMs`, and no peer took anything that the kernel holds for
   * it.
   * @param limitMs milliseconds; 0 for no limit
   * @param reason why the connection ends; `null` where it has a reason already
   */
  private expireSilent(limitMs: number, nowMs: number, reason: Reason | null): void {
    const sinceMs = Math.max(this.activeMs, this.phaseMs);
    const quarters = Math.floor((nowMs - sinceMs) * LOOKS / limitMs);
    if (limitMs === 0 || quarters === 0) return;
    if (this.uptake?.sinceMs !== sinceMs) this.uptake = new Uptake(this.client, this.backend, sinceMs);
    if (this.uptake!.isDue(quarters)) void this.look(this.uptake!, quarters, reason);
  }

  private async look(uptake: Uptake, quarters: number, reason: Reason | null): Promise<void> {
    const taken = await uptake.look(quarters);
    if (Math.max(this.activeMs, this.phaseMs) !== uptake.sinceMs) return;
    if (taken) {
      this.activeMs = this.context.clock.now;
      if (this.phase === "lingering") this.phaseMs = this.activeMs;
      uptake.restart(this.activeMs);
    } else if (quarters < LOOKS) return;
    else if (reason === null) this.client.close();
    else this.end(reason);
  }

  movedIn(count: number): void {
    this.countIn += count;
    this.activeMs = this.context.clock.now;
    this.context.telemetry.bytesIn(this.host, count);
  }

  movedOut(count: number): void {
    this.countOut += count;
    this.activeMs = this.context.clock.now;
    this.context.telemetry.bytesOut(this.host, count);
  }

  /** Bytes of the client were dropped. They only count as activity while nothing but the client's end is waited for. */
  dropped(): void {
    if (this.phase === "watched") this.closeClient();
    else if (this.phase === "lingering") this.activeMs = this.context.clock.now;
  }

  /** The client has ended, after bytes of it were dropped. */
  drained(failure: ConnError | null): void {
    this.open--;
    if (this.phase === "watched") this.cutClient();
    const lost = failure ?? this.loss;
    if (lost !== null && this.phase === "half-closed" && this.endReason === null) this.clientFailed(lost);
    this.finishIfOver();
  }

  /**
   * One direction is over. The other goes on after an orderly end, or where an answer may still come; else all ends.
   */
  ended(end: RelayEnd, source: "client" | "backend"): void {
    this.open--;
    if (this.endReason === null) {
      if (end.kind === "ended") this.endedInOrder(source);
      else if (source === "client") {
        if (end.side === "source") this.clientFailed(this.loss ?? end.error);
        else this.backendRefused(end.error);
      } else if (end.side === "source") this.backendLeft(end.error);
      else this.clientRefused(end.error);
    }
    this.finishIfOver();
  }

  /** The backend has ended, after bytes of it were dropped. */
  backendDrained(): void {
    this.open--;
    this.finishIfOver();
  }

  private endedInOrder(source: "client" | "backend"): void {
    this.ending ??= source;
    if (this.loss !== null) return this.clientFailed(this.loss);
    if (source === "backend" && this.refusal !== null) this.backendLeft(null);
    else if (this.phase === "relay") this.enter("half-closed");
    else this.endReason = this.endingReason();
  }

  /**
   * The client takes no more bytes. What it sent before it left may still be in the kernel, and is for the application.
   * The reads tell when that has ended.
   */
  private clientRefused(error: ConnError): void {
    if (this.phase !== "relay" || !isReset(error)) return this.clientFailed(error);
    this.loss = error;
    this.enter("half-closed");
    this.dropOutput();
  }

  /** The client has failed, and everything that it sent before has been written to the backend. */
  private clientFailed(error: ConnError): void {
    // After the backend has ended, a reset by the client is only its way of closing.
    if (this.ending === "backend" && isReset(error)) return this.cut(this.endingReason());
    this.endError = error.message;
    this.endReason ??= clientReason(error);
    this.client.close();
    void this.leaveBackend(this.ending !== "client" && error.kind !== "vanished");
  }

  /**
   * Closes the backend's connection when the backend has received everything. A reset throws away what is still to be
   * sent, and a close over bytes that nobody has read is a reset.
   * @param cut whether it is to be reset, so that the application can distinguish a request that was cut from a
   * complete one
   */
  private async leaveBackend(cut: boolean): Promise<void> {
    this.open++;
    this.enter("closing");
    this.dropOutput();
    // A Unix socket loses nothing.
    if (this.backend.remote.hostname !== "") await allReceived(this.backend, LINGER_MS, LINGER_SILENCE_MS);
    if (cut) this.backend.abort();
    else this.backend.close();
    this.open--;
    this.finishIfOver();
  }

  /**
   * The backend takes no more bytes. It may have answered before it closed. The answer goes to the client, which may
   * still be sending, and whose bytes are dropped.
   */
  private backendRefused(error: ConnError): void {
    this.refusal = error;
    this.dropInput();
    if (this.ending === "backend") {
      this.endReason = "backend-closed";
      this.closeClient();
    } else if (this.phase === "relay") this.enter("half-closed");
  }

  /** Whether an end of the backend is an end in good order, as far as is known by then. */
  get endsInOrder(): boolean {
    return this.refusal === null;
  }

  /** The backend has ended or failed, and everything that it sent before has been written to the client. */
  private backendLeft(failure: ConnError | null): void {
    const answered = this.countOut > 0;
    const onUnixSocket = this.backend.remote.hostname === "";
    const failed = backendFailure({ failure, refusal: this.refusal, answered, onUnixSocket });
    if (failed === null) this.ending ??= "backend";
    this.endReason = failed?.reason ?? this.endingReason();
    this.endError = failed?.error;
    this.backend.close();
    if (failed === null || (answered && this.refusal !== null)) this.closeClient();
    else if (answered && this.ending !== "client") this.watchClient();
    else this.cutClient();
    this.dropInput();
  }

  /** Waits a moment for bytes that the client still sends, which tell an early answer from one that was cut. */
  private watchClient(): void {
    this.enter("watched");
    this.phaseTimer = setTimeout(() => this.cutClient(), STILL_SENDING_MS);
  }

  /** Ends the client's connection in good order, and waits until the client has received that. */
  private closeClient(): void {
    clearTimeout(this.phaseTimer);
    this.enter("lingering");
    this.closeWrite();
  }

  /** The same without close_notify, so that the client can tell that bytes are missing. */
  private cutClient(): void {
    clearTimeout(this.phaseTimer);
    if (this.client.cutWrite === undefined) return this.client.close();
    this.enter("lingering");
    this.client.cutWrite();
  }

  /** Ends a relaying connection in good order. A client that does not react is not waited for. */
  private closeInOrder(): void {
    const lingers = this.phase === "lingering";
    clearTimeout(this.phaseTimer);
    this.enter("closing");
    this.phaseTimer = setTimeout(() => this.client.close(), CLOSING_MS);
    if (lingers) return;
    this.backend.close();
    this.dropInput();
    this.closeWrite();
  }

  private dropInput(): void {
    if (this.inward.discard()) this.open++;
  }

  private dropOutput(): void {
    if (this.outward.discard()) this.open++;
  }

  private closeWrite(): void {
    this.open++;
    this.client.closeWrite().catch(() => this.client.close()).then(() => {
      this.open--;
      this.finishIfOver();
    });
  }

  private finishIfOver(): void {
    if (this.open > 0) return;
    clearTimeout(this.phaseTimer);
    this.owner.finish();
  }

  private endingReason(): Reason {
    return this.ending === "client" ? "client-closed" : "backend-closed";
  }

  private enter(phase: Phase): void {
    this.phase = phase;
    this.phaseMs = this.activeMs = performance.now();
  }
}
