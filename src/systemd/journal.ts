/** Opens the journal's socket in the way of each runtime. None of them blocks. */
import { runtimeName } from "../runtimes/name.ts";
import { JOURNAL_SOCKET, JOURNAL_STREAM_SOCKET, type JournalSocket } from "./journal_socket.ts";
import { openJournalBun } from "./journal_bun.ts";
import { openJournalDeno } from "./journal_deno.ts";
import { openJournalStream } from "./journal_stream.ts";

/** Opens the journal's socket in the best way that this runtime has. */
export function openJournal(): JournalSocket {
  switch (runtimeName()) {
    case "deno":
      return openJournalDeno(JOURNAL_SOCKET);
    case "bun":
      return openJournalBun(JOURNAL_SOCKET);
    case "node":
      // Node has neither Unix datagrams nor FFI.
      return openJournalStream(JOURNAL_STREAM_SOCKET);
  }
}
