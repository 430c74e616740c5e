import type { Listener } from "../../engines/contract.ts";
import type { Reason } from "../../metrics/reasons.ts";
import type { AcceptControl } from "../accept.ts";
import type { Limits } from "./limits.ts";

/** A connection's slot within the limits, taken or still to be taken. */
export interface ConnectionSlot {
  limits: Limits;
  taken: boolean;
  /** Why the connection is closed at once, in which case it has no slot; `null` admits it. */
  refusal: Reason | null;
}

/**
 * Keeps a listener within its limits. Where the engine accepts only when it is asked to, connections above the limits
 * wait in the kernel's backlog. Where it accepts them as they come, each would hold a descriptor while it waits,
 * without a deadline, so they are refused.
 */
export class AcceptLimiter implements AcceptControl<ConnectionSlot> {
  readonly #listener: Pick<Listener, "readable">;
  readonly #limits: () => Limits;
  readonly #full: () => void;
  #closed = false;

  /**
   * @param limits returns the limits that are in force
   * @param full called each time that there is no slot for a connection
   */
  constructor(listener: Pick<Listener, "readable">, limits: () => Limits, full: () => void) {
    this.#listener = listener;
    this.#limits = limits;
    this.#full = full;
  }

  admit(): ConnectionSlot {
    const limits = this.#limits();
    if (!limits.tryTake()) {
      this.#full();
      return { limits, taken: false, refusal: "limit" };
    }
    if (limits.tryHandshake(nowMs())) return { limits, taken: true, refusal: null };
    limits.giveBack();
    return { limits, taken: false, refusal: "handshake-rate" };
  }

  reserve(): ConnectionSlot | Promise<ConnectionSlot> {
    const limits = this.#limits();
    const { readable } = this.#listener;
    return readable !== undefined && limits.waits ? this.#wait() : { limits, taken: false, refusal: null };
  }

  confirm(slot: ConnectionSlot): ConnectionSlot | Promise<ConnectionSlot> {
    if (slot.taken) return slot;
    const limits = this.#limits();
    return limits.tryTake() ? { limits, taken: true, refusal: null } : this.#take(limits);
  }

  giveBack({ limits, taken }: ConnectionSlot): void {
    if (taken) limits.giveBack();
  }

  /** Ends all waiting, because the listener is closed. Connections that are still there are accepted. */
  close(): void {
    this.#closed = true;
    this.#limits().wake();
  }

  async #wait(): Promise<ConnectionSlot> {
    // A slot is only taken when a connection is there, because other workers could need it.
    await this.#listener.readable!();
    const limits = this.#limits();
    const slot = await this.#take(limits);
    const delayMs = this.#closed ? 0 : limits.handshakeDelayMs(nowMs());
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    return slot;
  }

  async #take(limits: Limits): Promise<ConnectionSlot> {
    return { limits, taken: await limits.takeWhenFree(() => this.#closed, this.#full), refusal: null };
  }
}

/**
 * Milliseconds since the epoch. Workers share the time of the next handshake, and performance.now() differs in each.
 */
function nowMs(): number {
  return TIME_ORIGIN_MS + performance.now();
}

/** Bun makes a date of it each time that it is asked. */
const TIME_ORIGIN_MS = performance.timeOrigin;
