import type { Listener } from "../../engines/contract.ts";
import type { Gate } from "../accept.ts";
import type { Limits } from "./limits.ts";

/** Where a connection has its place, or will have. */
export interface Place {
  limits: Limits;
  taken: boolean;
}

/** Lets connections wait in the kernel's backlog while a listener is at its limits. */
export class LimitGate implements Gate<Place> {
  readonly #listener: Pick<Listener, "readable">;
  readonly #limits: () => Limits;
  readonly #full: () => void;
  #closed = false;

  /**
   * @param limits those that count now
   * @param full is told each time that a connection has to wait for a place
   */
  constructor(listener: Pick<Listener, "readable">, limits: () => Limits, full: () => void) {
    this.#listener = listener;
    this.#limits = limits;
    this.#full = full;
  }

  enter(): Place | Promise<Place> {
    const limits = this.#limits();
    return limits.waits ? this.#wait() : { limits, taken: false };
  }

  arrived(place: Place): Place | Promise<Place> {
    if (place.taken) return place;
    const limits = this.#limits();
    return limits.tryTake() ? { limits, taken: true } : this.#take(limits);
  }

  failed({ limits, taken }: Place): void {
    if (taken) limits.giveBack();
  }

  /** Nobody has to wait any more: what is still there is accepted, or the listener is closed. */
  close(): void {
    this.#closed = true;
    this.#limits().wake();
  }

  async #wait(): Promise<Place> {
    // A place that is taken before a connection is there would be missing elsewhere.
    await this.#listener.readable();
    const limits = this.#limits();
    const place = await this.#take(limits);
    const delayMs = this.#closed ? 0 : limits.handshakeDelayMs(performance.timeOrigin + performance.now());
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    return place;
  }

  async #take(limits: Limits): Promise<Place> {
    return { limits, taken: await limits.takeWhenFree(() => this.#closed, this.#full) };
  }
}
