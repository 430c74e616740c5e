/** The socket on which journald takes native entries, one datagram each (systemd.io, "Journal Native Protocol"). */
export const JOURNAL_SOCKET = "/run/systemd/journal/socket";
/** The socket on which journald takes lines, as from a service's standard output. */
export const JOURNAL_STREAM_SOCKET = "/run/systemd/journal/stdout";

/** A socket of the journal. One `send` must have ended before the next begins. */
export interface JournalSocket {
  /** Whether it takes native entries. Otherwise it takes lines that begin with a `<priority>`. */
  readonly native: boolean;
  /**
   * Resolves when the kernel has taken `bytes`. While journald is behind it waits, without blocking the thread.
   * @throws {Error} when nobody listens, or the entry is too large; the next `send` begins anew
   */
  send(bytes: Uint8Array): Promise<void>;
  close(): void;
}
