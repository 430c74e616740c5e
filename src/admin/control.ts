/** What the admin endpoint needs of the rest of the program. */
import type { Log } from "../log/log.ts";
import type { MetricSources } from "../metrics/sources.ts";

/** What the endpoint reports, and the log that it writes to. */
export interface AdminSources extends MetricSources {
  readonly options: MetricSources["options"] & { readonly log: Log };
}

/** What the admin endpoint can ask the rest of the program to do. */
export interface AdminControl {
  /** Why no traffic should be sent to this process now; `null` where it is ready. */
  unready(): Promise<string | null>;
  draining(): boolean;
  /** Loads everything anew. Resolves with whether that succeeded. What is wrong is in the log. */
  reload(): Promise<boolean>;
  /** Begins to drain, after which the process ends. */
  drain(): void;
}
