/** Keeps one certificate renewed over the years: when it is ordered, and ordered again. */
import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import type { Log } from "../log/log.ts";
import type { Present } from "./protocol/make_challenge.ts";
import type { Clock } from "./clock.ts";
import { fetchDirectory } from "./protocol/directory.ts";
import { HttpsClient } from "./protocol/https_client.ts";
import { issueCertificate } from "./protocol/issue.ts";
import { AcmeError, LONGEST_WAIT_MS } from "./protocol/problem.ts";
import { fetchRenewalInfo, renewalId, type RenewalWindow } from "./protocol/renewal_info.ts";
import { renewalTime, retryDelay } from "./schedule.ts";
import type { AcmeSettings } from "./settings.ts";
import type { AcmeStorage, CertificateState } from "./storage.ts";
import { readStored, type StoredCertificate } from "./stored_certificate.ts";

/**
 * The longest sleep: a clock that was set, a machine that was suspended, and a certificate that another process has
 * stored, are noticed by then.
 */
const TICK_MS = 5_000;
/** How often to look whether another process has finished its order. */
const LOCKED_MS = 5_000;
/**
 * A certificate that has just come is kept for a tenth of its lifetime, at most for so long, whatever renewal
 * information says: a server that wants each one replaced at once must not make this a loop.
 */
const LONGEST_KEEP_MS = 3_600_000;
/** After how long renewal information is asked for again that could not be obtained. */
const INFO_RETRY_MS = 6 * 3_600_000;

/** What is known of a certificate, for metrics and for people. */
export interface RenewalStatus {
  /** The first of its names: the label of its metrics. */
  name: string;
  names: string[];
  /** Milliseconds since the epoch; 0 while an attempt is under way. */
  nextAttemptMs: number;
  /** The error of the last attempt; "" where it succeeded, or there was none. */
  lastError: string;
  /** Whether there is a certificate that is valid now. */
  hasCertificate: boolean;
  /** Orders of this process that led to a certificate, and those that did not. */
  orders: { ok: number; failed: number };
}

interface RenewalOptions {
  id: string;
  names: string[];
  settings: AcmeSettings;
  storage: AcmeStorage;
  userAgent: string;
  clock: Clock;
  log: Log;
  present: Present;
  /** Another certificate than before stands in the storage; resolves when it serves. */
  certified: () => Promise<void>;
}

/** Orders and renews one certificate. */
export class Renewal {
  readonly status: RenewalStatus;
  readonly #options: RenewalOptions;
  readonly #stop = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  #stored: StoredCertificate | null = null;
  /** What was last seen of the stored file. */
  #seen = "";
  #state: CertificateState = { notBeforeMs: 0, failures: 0, lastError: "" };
  /** No attempt is made until then. */
  #retryMs = 0;
  #isStarting = true;
  #window: RenewalWindow | null = null;
  #checkInfoMs = 0;

  constructor(options: RenewalOptions) {
    this.#options = options;
    const { names } = options;
    this.status = {
      name: names[0],
      names,
      nextAttemptMs: 0,
      lastError: "",
      hasCertificate: false,
      orders: { ok: 0, failed: 0 },
    };
  }

  /** Starts ordering and renewing. */
  start(): void {
    this.#ended = this.#run().catch((error) => {
      this.#options.log.error("renewal ended", { event: "acme-ended", name: this.status.name, error });
    });
  }

  /** Stops. An order that is under way is given up. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { clock, storage, id } = this.#options;
    const { signal } = this.#stop;
    this.#state = await storage.readState(id);
    this.status.lastError = this.#state.lastError;
    // This is done also where there was a certificate when the configuration was read, because another process may have
    // stored a newer one since.
    if (await this.#look()) await this.#tellOfChange();
    this.#isStarting = false;
    while (!signal.aborted) {
      await this.#askForInfo();
      const dueMs = this.#dueMs();
      this.status.nextAttemptMs = dueMs;
      const waitMs = dueMs - clock.now();
      if (waitMs > 0) {
        await clock.sleep(Math.min(waitMs, TICK_MS), signal);
        if (await this.#look()) await this.#tellOfChange();
        continue;
      }
      if (!await this.#attempt()) await clock.sleep(LOCKED_MS * (0.75 + clock.random() / 2), signal);
    }
  }

  /** When the next attempt is due, milliseconds since the epoch. */
  #dueMs(): number {
    // No reason puts an attempt off for longer. Where one seems to, the clock was set back.
    const latestMs = this.#options.clock.now() + LONGEST_WAIT_MS;
    if (this.#retryMs > latestMs) this.#retryMs = latestMs;
    if (this.#state.notBeforeMs > latestMs) this.#state.notBeforeMs = latestMs;
    if (this.#checkInfoMs > latestMs) this.#checkInfoMs = 0;
    const earliestMs = Math.max(this.#retryMs, this.#state.notBeforeMs);
    if (this.#stored === null) return earliestMs;
    const { leaf } = this.#stored;
    const renewMs = renewalTime(leaf, this.#window, chanceOf(leaf.x509.fingerprint256));
    return Math.max(renewMs, earliestMs);
  }

  /** Reads the stored certificate. Returns whether it is another one than before. */
  async #look(): Promise<boolean> {
    const { storage, id, clock } = this.#options;
    const path = storage.certificatePath(id);
    const seen = await stat(path).then(({ ino, mtimeMs, size }) => `${ino} ${mtimeMs} ${size}`, () => "");
    const changed = seen !== this.#seen;
    if (changed) {
      this.#seen = seen;
      this.#stored = await readStored(path);
      this.#window = null;
      this.#checkInfoMs = 0;
      // The process that has made it has succeeded. When this process starts, the certificate may be due already.
      this.#retryMs = this.#isStarting || this.#stored === null ? 0 : clock.now() + keepMs(this.#stored);
    }
    this.status.hasCertificate = this.#stored !== null && this.#stored.leaf.notAfter > clock.now();
    return changed;
  }

  async #tellOfChange(): Promise<void> {
    const { certified, log } = this.#options;
    try {
      await certified();
      if (this.#stored === null) return;
      log.info("certificate is in service", {
        event: "acme-served",
        name: this.status.name,
        valid_until: iso(this.#stored.leaf.notAfter),
        next_attempt: iso(this.#dueMs()),
      });
    } catch (error) {
      const fields = { event: "acme-not-served" as const, name: this.status.name, error: messageOf(error) };
      log.error("certificate could not be put into service: serving as before", fields);
    }
  }

  /** Orders a certificate, unless another process does. Returns whether it could try. */
  async #attempt(): Promise<boolean> {
    const { storage, id, clock, log, names } = this.#options;
    let lock;
    try {
      lock = await storage.lock(id, clock);
    } catch (error) {
      await this.#failed(error);
      return true;
    }
    if (lock === null) {
      if (await this.#look()) await this.#tellOfChange();
      return false;
    }
    try {
      // Another process may have finished in this very moment.
      if (await this.#look()) {
        await this.#tellOfChange();
        if (this.#dueMs() > clock.now()) return true;
      }
      this.status.nextAttemptMs = 0;
      const replaces = this.#stored === null ? null : renewalId(this.#stored.pem);
      log.info("ordering a certificate", { event: "acme-order", name: names[0], names });
      await issueCertificate({
        ...this.#options,
        replaces,
        signal: AbortSignal.any([this.#stop.signal, lock.lost]),
        progress: (message) => log.debug(message, { event: "acme-progress", name: names[0] }),
      });
      await this.#succeeded();
    } catch (error) {
      await this.#failed(error);
    } finally {
      await lock.release().catch((error) => {
        log.warn("lock could not be released", { event: "acme-lock", name: names[0], error: messageOf(error) });
      });
    }
    return true;
  }

  async #succeeded(): Promise<void> {
    const { log, names } = this.#options;
    this.status.orders.ok++;
    await this.#look();
    log.info("certificate issued", { event: "acme-issued", name: names[0], names });
    await this.#remember({ notBeforeMs: 0, failures: 0, lastError: "" });
    await this.#tellOfChange();
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#stop.signal.aborted) return;
    const { clock, log, names } = this.#options;
    const retryAfterMs = error instanceof AcmeError ? error.retryAfterMs : undefined;
    const failures = this.#state.failures + 1;
    this.#retryMs = clock.now() + retryDelay(failures, retryAfterMs, clock.random());
    this.status.orders.failed++;
    log.error("certificate could not be ordered: serving as before", {
      event: "acme-failed",
      name: names[0],
      error: messageOf(error),
      next_attempt: iso(this.#retryMs),
    });
    const notBeforeMs = retryAfterMs === undefined ? 0 : clock.now() + retryAfterMs;
    await this.#remember({ notBeforeMs, failures, lastError: messageOf(error) });
  }

  async #remember(state: CertificateState): Promise<void> {
    const { storage, id, log, names, settings: { config: { directory, profile } } } = this.#options;
    this.#state = state;
    this.status.lastError = state.lastError;
    try {
      await storage.saveState(id, state, { names, directory, profile });
    } catch (error) {
      // The state only saves the server some requests after a restart.
      log.warn("state could not be saved", { event: "acme-state", name: names[0], error: messageOf(error) });
    }
  }

  /** Asks when the server wants the certificate to be replaced, where it says so at all. */
  async #askForInfo(): Promise<void> {
    const { settings: { config, ca }, userAgent, clock, log, names } = this.#options;
    if (this.#stored === null || clock.now() < this.#checkInfoMs || clock.now() < this.#retryMs) return;
    const id = renewalId(this.#stored.pem);
    this.#checkInfoMs = clock.now() + INFO_RETRY_MS;
    if (id === null) return;
    const https = new HttpsClient({ ca, userAgent, signal: this.#stop.signal });
    try {
      const { renewalInfo } = await fetchDirectory(https, config.directory);
      if (renewalInfo === null) return;
      const { window, checkAfterMs } = await fetchRenewalInfo(https, renewalInfo, id, clock.now());
      this.#window = window;
      this.#checkInfoMs = clock.now() + checkAfterMs;
    } catch (error) {
      // Without renewal information the lifetime decides.
      const fields = { event: "acme-renewal-info" as const, name: names[0], error: messageOf(error) };
      if (!this.#stop.signal.aborted) log.debug("no renewal information", fields);
    } finally {
      https.close();
    }
  }
}

/** How long a certificate that has just come is kept in any case. */
function keepMs({ leaf: { notBefore, notAfter } }: StoredCertificate): number {
  return Math.min((notAfter - notBefore) / 10, LONGEST_KEEP_MS);
}

/**
 * Returns a random number, at least 0 and less than 1, that is always the same for a certificate, also after a restart.
 */
function chanceOf(fingerprint: string): number {
  return createHash("sha256").update(fingerprint).digest().readUInt32BE() / 2 ** 32;
}

function iso(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
