/** Ways to the systemd journal, one for each runtime. None of them blocks. */
import { openJournalBun } from "./journal_bun.ts";
import { openJournalDeno } from "./journal_deno.ts";
import { openJournalStream } from "./journal_stream.ts";

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

/** The best way that this runtime has. */
export function openJournal(): JournalSocket {
  if ("Deno" in globalThis) return openJournalDeno(JOURNAL_SOCKET);
  if ("Bun" in globalThis) return openJournalBun(JOURNAL_SOCKET);
  // Node has neither Unix datagrams nor FFI.
  return openJournalStream(JOURNAL_STREAM_SOCKET);
}
