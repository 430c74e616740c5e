/** Where journald takes native entries: one datagram each (systemd.io, "Journal Native Protocol"). */
export const JOURNAL_SOCKET = "/run/systemd/journal/socket";
/** Where journald takes lines, as from a service's standard output. */
export const JOURNAL_STREAM_SOCKET = "/run/systemd/journal/stdout";

/** A way to the journal. One `send` at a time. */
export interface JournalSocket {
  /** Whether it takes native entries; else lines with a `<priority>` in front. */
  readonly native: boolean;
  /**
   * Resolves when the kernel has taken `bytes`: waits, without blocking the thread, while journald is behind.
   * @throws {Error} when nobody listens, or the entry is too large; the next `send` starts anew
   */
  send(bytes: Uint8Array): Promise<void>;
  close(): void;
}
