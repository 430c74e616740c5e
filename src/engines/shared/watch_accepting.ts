import type { Address } from "../../net/address.ts";
import { AcceptWatch } from "./accept_watch.ts";
import { runtimeName } from "../../runtimes/name.ts";

/**
 * Watches over a server of `node:net` or `node:http`, where the runtime may stop accepting for good; `null` where it does not.
 * @param address where it listens, as the kernel has it
 * @param revive accepts anew, from the descriptor given, which it takes over
 */
export async function watchAccepting(
  address: Address,
  revive: (fd: number) => Promise<void>,
): Promise<AcceptWatch | null> {
  if (runtimeName() !== "deno") return null;
  const { libc } = await import("../../linux/thread_libc.ts");
  const fd = libc.openFds().find((fd) => libc.listensOn(fd, address));
  return fd === undefined ? null : new AcceptWatch(libc, fd, revive);
}
