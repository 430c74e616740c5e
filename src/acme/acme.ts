/** Certificates by ACME (RFC 8555): those of the whole configuration, and the challenges that come with them. */
import type { Log } from "../log/log.ts";
import type { Challenge } from "../tls/challenge/challenge.ts";
import type { ChallengeWatch } from "./challenge_watch.ts";
import type { Clock } from "./clock.ts";
import type { Renewal, RenewalStatus } from "./renewal.ts";
import type { AcmeSettings } from "./settings.ts";
import type { StorageOptions } from "./storage.ts";

export interface AcmeOptions {
  clock: Clock;
  log: Log;
  userAgent: string;
  /** Puts these challenges into service, and no others: resolves when new connections get them. */
  serve: (challenges: Challenge[]) => Promise<void>;
  /** Another certificate than before stands in the storage; resolves when it serves. */
  certified: () => Promise<void>;
  storage?: StorageOptions;
  /** Is told why the storage cannot be read, or the challenges cannot be served. */
  spreadMs?: number;
}

/** Orders and renews what a configuration asks for, over reloads. */
export class Acme {
  readonly #options: AcmeOptions;
  readonly #renewals = new Map<string, Renewal>();
  #watch: ChallengeWatch | null = null;
  #settings = "";
  /** Orders of certificates that no configuration asks for any more. */
  readonly #orders = { ok: 0, failed: 0 };
  /** Configurations are followed one after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: AcmeOptions) {
    this.#options = options;
  }

  /** Every certificate, in the order of the configuration. */
  get statuses(): RenewalStatus[] {
    return [...this.#renewals.values()].map(({ status }) => status);
  }

  /** Orders since the start. */
  get orders(): { ok: number; failed: number } {
    return this.statuses.reduce(
      (sum, { orders }) => ({ ok: sum.ok + orders.ok, failed: sum.failed + orders.failed }),
      this.#orders,
    );
  }

  /**
   * Follows a configuration. A certificate that the former configuration ordered too goes on undisturbed.
   * @param settings `null` where no listener asks for a certificate
   * @param lists the names of each certificate
   * @throws {Error} where the storage can't be used
   */
  configure(settings: AcmeSettings | null, lists: string[][]): Promise<void> {
    const result = this.#turn.then(() => this.#configure(settings, lists));
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Stops. Orders that are under way are given up. */
  stop(): Promise<void> {
    const result = this.#turn.then(() => this.#stop());
    this.#turn = result.catch(() => {});
    return result;
  }

  async #configure(settings: AcmeSettings | null, lists: string[][]): Promise<void> {
    const text = JSON.stringify(settings);
    if (text !== this.#settings) await this.#stop();
    this.#settings = text;
    if (settings === null) return;
    // Loaded where certificates are ordered, not at each start.
    const { AcmeStorage, certificateId, ChallengeWatch, Renewal } = await import("./ordering.ts");
    const wanted = new Map(lists.map((names) => [certificateId({ names, ...settings.config }), names]));
    for (const [id, renewal] of this.#renewals) if (!wanted.has(id)) await this.#end(id, renewal);
    const missing = [...wanted].filter(([id]) => !this.#renewals.has(id));
    if (missing.length === 0) return;
    const { clock, log, storage: storageOptions, serve, spreadMs } = this.#options;
    const storage = await AcmeStorage.open(settings.config.storage, storageOptions);
    const watch = this.#watch ??= new ChallengeWatch({
      storage,
      clock,
      serve,
      spreadMs,
      failed: (error) => log.error("challenges could not be served", { event: "acme-challenge-failed", error }),
    });
    for (const [id, names] of missing) {
      const renewal = new Renewal({
        ...this.#options,
        id,
        names,
        settings,
        storage,
        present: (challenges) => watch.present(challenges),
      });
      this.#renewals.set(id, renewal);
      renewal.start();
    }
  }

  async #stop(): Promise<void> {
    await Promise.all([...this.#renewals].map(([id, renewal]) => this.#end(id, renewal)));
    this.#watch?.stop();
    this.#watch = null;
  }

  async #end(id: string, renewal: Renewal): Promise<void> {
    this.#renewals.delete(id);
    await renewal.stop();
    this.#orders.ok += renewal.status.orders.ok;
    this.#orders.failed += renewal.status.orders.failed;
  }
}
