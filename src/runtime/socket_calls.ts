import type { SocketCalls } from "../supervisor/socket_group.ts";
import { runtimeName } from "./detect.ts";

/** The operating system's calls on sockets, or `null` on a runtime that cannot reach them. */
export async function loadSocketCalls(): Promise<SocketCalls | null> {
  // No FFI there.
  if (runtimeName() === "node") return null;
  const { Libc } = await import("./libc.ts");
  return new Libc();
}
