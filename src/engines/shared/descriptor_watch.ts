import { clearInterval, setInterval } from "node:timers";
import { ConnError } from "../contract.ts";
import { isDescriptorLeft } from "../../linux/is_descriptor_left.ts";

const LOOK_MS = 250;

/**
 * Notices that no descriptor is left, where the runtime does not report that it could not accept: Bun keeps trying,
 * Deno's node:net gives up, and Node closes the connection.
 */
export class DescriptorWatch {
  readonly #exhausted: (error: ConnError) => void;
  readonly #timer: ReturnType<typeof setInterval>;
  #wereLeft = true;

  /** @param exhausted called once each time that the last descriptor is used */
  constructor(exhausted: (error: ConnError) => void) {
    this.#exhausted = exhausted;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const left = isDescriptorLeft();
    if (!left && this.#wereLeft) this.#exhausted(new ConnError("exhausted", "Too many open files"));
    this.#wereLeft = left;
  }
}
