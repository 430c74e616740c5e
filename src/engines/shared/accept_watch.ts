import { clearInterval, setInterval } from "node:timers";
import type { Libc } from "../../linux/libc.ts";

const LOOK_MS = 500;

/**
 * Notices that a listener has stopped accepting. Deno's node:net stops for good, without an error, when it has run out
 * of descriptors once. The socket itself goes on listening, and connections wait there.
 */
export class AcceptWatch {
  readonly #libc: Libc;
  readonly #revive: (fd: number) => Promise<void>;
  readonly #timer: ReturnType<typeof setInterval>;
  #fd: number;
  #accepted = 0;
  #acceptedBefore = -1;
  #waitedBefore = false;
  #reviving = false;

  /**
   * @param fd the listening socket
   * @param revive begins to accept on a descriptor, which it then owns
   */
  constructor(libc: Libc, fd: number, revive: (fd: number) => Promise<void>) {
    this.#libc = libc;
    this.#fd = fd;
    this.#revive = revive;
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
    this.#timer.unref();
  }

  /** A connection was accepted. */
  accepted(): void {
    this.#accepted++;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    if (this.#reviving) return;
    const idle = this.#accepted === this.#acceptedBefore;
    this.#acceptedBefore = this.#accepted;
    const waits = idle && this.#libc.acceptable(this.#fd);
    // A connection has to wait at two looks in a row. An event loop that was only busy accepts it in between.
    const stuck = waits && this.#waitedBefore;
    this.#waitedBefore = waits;
    if (!stuck) return;
    this.#reviving = true;
    try {
      const copy = this.#libc.duplicate(this.#fd);
      await this.#revive(copy);
      this.#fd = copy;
    } catch {
      // There are still no descriptors. The next look tries again.
    } finally {
      this.#reviving = false;
    }
  }
}
