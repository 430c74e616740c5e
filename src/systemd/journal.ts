/** Ways to the systemd journal, one for each runtime. None of them blocks. */
import { JOURNAL_SOCKET, JOURNAL_STREAM_SOCKET, type JournalSocket } from "./journal_socket.ts";
import { openJournalBun } from "./journal_bun.ts";
import { openJournalDeno } from "./journal_deno.ts";
import { openJournalStream } from "./journal_stream.ts";

/** The best way that this runtime has. */
export function openJournal(): JournalSocket {
  if ("Deno" in globalThis) return openJournalDeno(JOURNAL_SOCKET);
  if ("Bun" in globalThis) return openJournalBun(JOURNAL_SOCKET);
  // Node has neither Unix datagrams nor FFI.
  return openJournalStream(JOURNAL_STREAM_SOCKET);
}
