import { connect, type Socket } from "node:net";
import type { JournalSocket } from "./journal_socket.ts";

/**
 * The first lines that journald expects on its stream socket: identifier, unit, default priority, whether lines have a
 * `<priority>`, and whether to forward to syslog, the kernel's log and the console.
 */
const HEADER = "tls-off\n\n6\n1\n0\n0\n0\n";

/** Opens journald's stream socket, which takes lines. Of the fields only the identifier and the priority are kept. */
export function openJournalStream(path: string): JournalSocket {
  let socket: Socket | null = null;
  const open = () => {
    const opened = connect(path);
    opened.unref();
    // The write that is under way receives every error, too.
    opened.on("error", () => {});
    opened.on("close", () => {
      if (socket === opened) socket = null;
    });
    opened.write(HEADER);
    return opened;
  };
  return {
    native: false,
    send(bytes) {
      const stream = socket ??= open();
      return new Promise((resolve, reject) => {
        const lost = () => reject(new Error(`Cannot send to "${path}": connection closed`));
        stream.once("close", lost);
        stream.write(bytes, (error) => {
          stream.off("close", lost);
          if (error) reject(error);
          else resolve();
        });
      });
    },
    close: () => socket?.destroy(),
  };
}
