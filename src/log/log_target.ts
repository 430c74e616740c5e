import type { BaseHandler } from "@std/log";
import type { Fields } from "./fields.ts";

/** One place for records, which formats and queues each record that it is handed. */
export interface LogTarget extends BaseHandler {
  /** Records that were lost. */
  readonly dropped: number;
  /** Records that went to standard error because this place did not take them. */
  readonly diverted: number;
  /** Whether this place is standard error. */
  readonly onStderr: boolean;
  /** Opens the file anew, and returns true; returns false where this place is no file. */
  reopen(): boolean;
  /** Writes what is queued, for a bounded time, and closes. */
  close(): Promise<void>;
}

/** Logs a warning about the logging itself. */
export type Warn = (message: string, fields: Fields) => void;
