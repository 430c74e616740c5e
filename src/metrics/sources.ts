/** What the main thread knows, as far as metrics and statistics need it. */
import type { OpenFiles } from "../linux/open_files.ts";
import type { ClientRates } from "./client_rates.ts";
import type { Clients } from "./clients.ts";
import type { Counters } from "./counters.ts";
import type { History } from "./history.ts";

/** When a certificate in use expires. */
export interface CertificateExpiry {
  listener: string;
  /** The first of its names. */
  name: string;
  /** Milliseconds since the epoch. */
  notAfterMs: number;
}

/** A certificate that is ordered and renewed by itself. */
export interface AcmeCertificate {
  /** The first of its names. */
  readonly name: string;
  readonly names: readonly string[];
  /** Milliseconds since the epoch; 0 while an attempt is under way. */
  readonly nextAttemptMs: number;
  /** The error of the last attempt; "" where it succeeded, or there was none. */
  readonly lastError: string;
  /** Whether there is a certificate that is valid now. */
  readonly hasCertificate: boolean;
}

/** Certificates that are ordered by ACME, and how many orders succeeded and failed since the start. */
export interface Orders {
  readonly statuses: readonly AcmeCertificate[];
  readonly orders: { readonly ok: number; readonly failed: number };
}

/** What `[redirect]` has done. */
export interface RedirectCounts {
  /** Connections now. */
  active: number;
  /** Connections above the limit, which were closed at once. */
  rejected: number;
  /** Answers by their status. */
  readonly answers: Map<number, number>;
}

/** What is known of one backend. */
export interface BackendState {
  listener: string;
  /** "" for the listener's own. */
  route: string;
  backend: string;
  /** By its last probes, or without probes by the last connect. */
  isUp: boolean;
  /** Probes since the start; `null` where it is not probed. */
  checks: { ok: number; failed: number } | null;
}

/** A revocation list of an authority that clients' certificates are checked by. */
export interface RevocationListState {
  listener: string;
  issuer: string;
  /** Milliseconds since the epoch. */
  nextUpdateMs: number;
  entries: number;
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
  /** Records of connections that were turned away that were not written, because there were too many. */
  readonly entries: { readonly suppressed: number };
  readonly reloads: { readonly ok: number; readonly failed: number };
  readonly workerRestarts: number;
  readonly certificates: readonly CertificateExpiry[];
  readonly revocationLists: readonly RevocationListState[];
  /** `null` where no certificate is ordered. */
  readonly acme: Orders | null;
  readonly redirect: RedirectCounts;
  /** Engines of the listeners, by name. */
  readonly engines: ReadonlyMap<string, string>;
  /** What is known of each backend of the configuration that serves. */
  readonly backends: { readonly states: readonly BackendState[] };
  /** Counts descriptors; `null` where the runtime has no permission to. */
  readonly openFiles: (() => OpenFiles) | null;
}
