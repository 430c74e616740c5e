import type { ConnError } from "../../engines/contract.ts";
import type { Flow, RelayEnd } from "./relay.ts";

/** What both directions of a connection tell of. */
export interface Directions {
  /** Whether an end of the backend is an end in good order, as far as is known by then. */
  readonly endsInOrder: boolean;
  /** Bytes of the client were read. */
  movedIn(count: number): void;
  /** Bytes of the backend were read. */
  movedOut(count: number): void;
  /** The direction that comes from `source` is over. */
  ended(end: RelayEnd, source: "client" | "backend"): void;
  /** Bytes of the client were dropped. */
  dropped(): void;
  /** The client has ended, after bytes of it were dropped. */
  drained(failure: ConnError | null): void;
  /** The backend has ended, after bytes of it were dropped. */
  backendDrained(): void;
}

/** From the client to the backend. */
export class Inward implements Flow {
  constructor(readonly pair: Directions) {}
  moved(count: number): void {
    this.pair.movedIn(count);
  }
  ended(end: RelayEnd): void {
    this.pair.ended(end, "client");
  }
  endsTarget(): boolean {
    return true;
  }
  dropped(): void {
    this.pair.dropped();
  }
  drained(failure: ConnError | null): void {
    this.pair.drained(failure);
  }
}

/** From the backend to the client. */
export class Outward implements Flow {
  constructor(readonly pair: Directions) {}
  moved(count: number): void {
    this.pair.movedOut(count);
  }
  ended(end: RelayEnd): void {
    this.pair.ended(end, "backend");
  }
  endsTarget(): boolean {
    return this.pair.endsInOrder;
  }
  dropped(): void {}
  drained(): void {
    this.pair.backendDrained();
  }
}
