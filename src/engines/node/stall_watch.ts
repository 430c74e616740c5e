import { clearInterval, setInterval } from "node:timers";
import { type Member, Members } from "../shared/members.ts";
import { releaseMemorySoon } from "../shared/release_memory.ts";

/** Something that may wait for a slow peer. */
export interface Stallable extends Member {
  /** What waits now, the same value for as long as nothing moves; `null`: nothing does. */
  readonly waiting: unknown;
  /** What has waited at the last look of {@linkcode StallWatch}, which alone sets it. */
  waitedBefore: unknown;
}

const LOOK_MS = 1_000;
/**
 * When so many more connections stall, the garbage of what they have moved before is worth giving back; when so many
 * fewer do, what they have held.
 */
const WORTH_RELEASING = 32;
/**
 * After how many looks memory is given back once more: what was garbage then may have held other garbage, or have been in
 * use.
 */
const AGAIN_AFTER_LOOKS = 5;

/**
 * Gives memory back when many connections stall, and when many that have stalled do no more. Before a peer stalls
 * megabytes have gone through its connection, whose buffers are garbage by then. A runtime looks for garbage when it
 * allocates, and stalled connections allocate nothing. What waits at two looks in a row stalls.
 */
export class StallWatch {
  readonly #release: () => void;
  readonly #watched = new Members<Stallable>();
  /** How many stalled when memory was given back last. */
  #stalledBefore = 0;
  /** Looks until memory is given back once more; 0: it is not. */
  #looksLeft = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(release: () => void) {
    this.#release = release;
  }

  add(connection: Stallable): void {
    connection.waitedBefore = null;
    this.#watched.add(connection);
    if (this.#timer !== undefined) return;
    this.#timer = setInterval(() => this.look(), LOOK_MS);
    this.#timer.unref();
  }

  delete(connection: Stallable): void {
    this.#watched.delete(connection);
  }

  /** Is called once a second while there is a connection. */
  look(): void {
    let stalled = 0;
    for (const connection of this.#watched.keys()) {
      const { waiting } = connection;
      if (waiting !== connection.waitedBefore) connection.waitedBefore = waiting;
      else if (waiting !== null) stalled++;
    }
    // Those that stall or leave one by one count together.
    if (Math.abs(stalled - this.#stalledBefore) >= WORTH_RELEASING) {
      this.#stalledBefore = stalled;
      this.#looksLeft = AGAIN_AFTER_LOOKS;
      this.#release();
    } else if (this.#looksLeft > 0 && --this.#looksLeft === 0) this.#release();
    if (this.#watched.size > 0 || this.#looksLeft > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** That of this thread. */
export const stallWatch = new StallWatch(releaseMemorySoon);
