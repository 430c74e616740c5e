import type { JournalSocket } from "./journal.ts";

/** journald's native socket by Deno's own datagrams; the kernel's EAGAIN is waited for by the runtime. */
export function openJournalDeno(path: string): JournalSocket {
  // Without a path of its own it is an unbound sender.
  const socket = Deno.listenDatagram(
    { transport: "unixpacket" } as Deno.UnixListenOptions & { transport: "unixpacket" },
  );
  const target: Deno.Addr = { transport: "unixpacket", path };
  return {
    native: true,
    async send(bytes) {
      await socket.send(bytes, target);
    },
    close: () => socket.close(),
  };
}
