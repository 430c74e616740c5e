/** What the admin endpoint needs of the rest of the program. */
import type { Log } from "../log/log.ts";
import type { MetricSources } from "../metrics/sources.ts";

/** What it tells of, and where it logs. */
export interface AdminSources extends MetricSources {
  readonly options: MetricSources["options"] & { readonly log: Log };
}

/** What the admin endpoint can ask of the rest of the program. */
export interface AdminControl {
  /** Why no traffic should be sent here now; `null` = ready. */
  unready(): Promise<string | null>;
  draining(): boolean;
  /** Loads everything anew. Resolves with whether that worked; what is wrong is in the log. */
  reload(): Promise<boolean>;
  /** Begins to drain; the process ends then. */
  drain(): void;
}
