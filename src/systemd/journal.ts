/** Opens the journal's socket in the way of each runtime. None of them blocks. */
import { runtimeName } from "../runtimes/name.ts";
import { openJournalNative } from "./journal_native.ts";
import { JOURNAL_SOCKET, JOURNAL_STREAM_SOCKET, type JournalSocket } from "./journal_socket.ts";
import { openJournalStream } from "./journal_stream.ts";

/**
 * Opens the journal's socket in the best way that this runtime has. Whether somebody listens there is found out by
 * sending.
 * @throws {Error} naming the socket, and why it cannot be used
 */
export function openJournal(): JournalSocket {
  // Node has neither Unix datagrams nor FFI.
  if (runtimeName() === "node") return openJournalStream(JOURNAL_STREAM_SOCKET);
  try {
    return openJournalNative(JOURNAL_SOCKET);
  } catch (error) {
    throw new Error(`Cannot log to the journal at "${JOURNAL_SOCKET}": ${(error as Error).message}`, { cause: error });
  }
}
