import type { Challenge } from "../tls/challenge/challenge.ts";
import type { Clock } from "./clock.ts";
import type { AcmeStorage } from "./storage.ts";

/** How often the storage is looked at for challenges of other processes. */
const LOOK_MS = 1_000;
/** How long it takes until every other process on the storage has looked there, and serves what it has found. */
const SPREAD_MS = 3_000;

interface ChallengeWatchOptions {
  storage: AcmeStorage;
  clock: Clock;
  /** Puts these challenges into service, and no others: resolves when new connections get them. */
  serve: (challenges: Challenge[]) => Promise<void>;
  /** Is told why the storage can't be read, or the challenges not be served. */
  failed: (error: Error) => void;
  /** @default {3_000} */
  spreadMs?: number;
}

/**
 * Serves the challenges that stand in the storage: this process's own, and those of others that work with the same
 * folder.
 */
export class ChallengeWatch {
  readonly #options: ChallengeWatchOptions;
  #served = "[]";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  /** The storage is looked at once at a time. */
  #look: Promise<void> = Promise.resolve();

  constructor(options: ChallengeWatchOptions) {
    this.#options = options;
    this.#schedule();
  }

  /**
   * Presents challenges, here and in the other processes.
   * @throws {Error} where they can't be written, or not be served
   */
  async present(challenges: Challenge[]): Promise<() => Promise<void>> {
    const { storage, clock, spreadMs = SPREAD_MS } = this.#options;
    const withdraw = async () => {
      await storage.removeChallenges(challenges);
      await this.look();
    };
    try {
      await storage.saveChallenges(challenges);
      await this.look();
    } catch (error) {
      await withdraw().catch(() => {});
      throw error;
    }
    await clock.sleep(spreadMs);
    return withdraw;
  }

  /**
   * Looks now, and resolves when what stands in the storage is served.
   * @throws {Error} where it can't be
   */
  look(): Promise<void> {
    const result = this.#look.then(async () => {
      if (this.#stopped) return;
      const challenges = await this.#options.storage.readChallenges();
      const text = JSON.stringify(challenges);
      if (text === this.#served) return;
      await this.#options.serve(challenges);
      this.#served = text;
    });
    this.#look = result.catch(() => {});
    return result;
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.look().catch(this.#options.failed).finally(() => this.#schedule());
    }, LOOK_MS);
  }
}
