/** Where metrics and statistics come from: what the main thread knows, as far as their readers need it. */
import type { OpenFiles } from "../linux/open_files.ts";
import type { ClientRates } from "./client_rates.ts";
import type { Clients } from "./clients.ts";
import type { Counters } from "./counters.ts";
import type { History } from "./history.ts";

/** A certificate in use, as far as its expiry goes. */
export interface CertificateExpiry {
  listener: string;
  /** Its first name. */
  name: string;
  /** Milliseconds since the epoch. */
  notAfterMs: number;
}

/** A certificate that is ordered and renewed by itself. */
export interface OrderedCertificate {
  /** The first of its names. */
  readonly name: string;
  /** Milliseconds since the epoch; 0 while an attempt is under way. */
  readonly nextAttemptMs: number;
  /** Of the last attempt; "" where it succeeded, or there was none. */
  readonly lastError: string;
  /** Whether there is one that is valid now. */
  readonly hasCertificate: boolean;
}

/** Certificates that are ordered, and how often that went well since the start. */
export interface Orders {
  readonly statuses: readonly OrderedCertificate[];
  readonly orders: { readonly ok: number; readonly failed: number };
}

/** Everything that is known about the traffic and the program. */
export interface MetricSources {
  readonly options: {
    readonly version: string;
    /** Such as `deno 2.9.6`. */
    readonly runtime: string;
    /** Records lost, and records that went to standard error instead of their own place, since the start. */
    readonly log: { readonly dropped: number; readonly diverted: number };
  };
  /** Milliseconds since the epoch. */
  readonly startedMs: number;
  readonly counters: Counters;
  readonly clients: Clients;
  readonly rates: ClientRates;
  readonly history: History;
  /** Records of connections that were turned away which were not written because there were too many. */
  readonly entries: { readonly suppressed: number };
  readonly reloads: { readonly ok: number; readonly failed: number };
  readonly workerRestarts: number;
  readonly certificates: readonly CertificateExpiry[];
  /** `null` where no certificate is ordered. */
  readonly acme: Orders | null;
  /** Engines of the listeners, by name. */
  readonly engines: ReadonlyMap<string, string>;
  /** Counts descriptors; `null` where the runtime may not look. */
  readonly openFiles: (() => OpenFiles) | null;
}
