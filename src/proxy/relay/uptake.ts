import type { Conn } from "../../engines/contract.ts";

/** How often the kernel is asked while a connection is silent, before that has lasted too long. */
export const LOOKS = 4;

/**
 * Whether the peers of a connection on which nothing is relayed still take what the kernel holds for them. A buffer of
 * megabytes lets a slow reader seem silent for minutes.
 */
export class Uptake {
  readonly #client: Conn;
  readonly #backend: Conn;
  /** How often the silence was looked at. */
  #looks = 0;
  #looking = false;
  /** Bytes that neither peer had taken at the last look; `null` before the first. */
  #unsent: { client: number; backend: number } | null = null;

  /** @param sinceMs since when the connection is silent */
  constructor(client: Conn, backend: Conn, public sinceMs: number) {
    this.#client = client;
    this.#backend = backend;
  }

  /** Whether to look now, after so many quarters of the silence that a connection may have. */
  isDue(quarters: number): boolean {
    if (this.#looking || quarters <= this.#looks) return false;
    // Where the kernel holds nothing, there is nothing to be taken.
    return quarters >= LOOKS || this.#unsent === null || this.#unsent.client + this.#unsent.backend > 0;
  }

  /** Looks, and returns whether bytes were taken since the last look. */
  async look(quarters: number): Promise<boolean> {
    this.#looking = true;
    this.#looks = quarters;
    const before = this.#unsent;
    if (before === null || before.client + before.backend > 0) {
      const [client, backend] = await Promise.all([this.#client.unsent(), this.#backend.unsent()]);
      this.#unsent = { client: client ?? 0, backend: backend ?? 0 };
    }
    this.#looking = false;
    if (before === null || this.#unsent === null) return false;
    // More is only written where room was made for it.
    return this.#unsent.client !== before.client || this.#unsent.backend !== before.backend;
  }

  /** Begins anew, since bytes were taken. */
  restart(sinceMs: number): void {
    this.sinceMs = sinceMs;
    this.#looks = 0;
  }
}
