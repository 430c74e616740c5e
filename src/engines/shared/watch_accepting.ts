import type { Address } from "../../net/address.ts";
import { AcceptWatch } from "./accept_watch.ts";
import { runtimeName } from "../../runtimes/name.ts";

/**
 * Watches a server of `node:net` or `node:http` on a runtime that may stop accepting for good; `null` on others.
 * @param address the address that it listens on, as the kernel has it
 * @param revive begins to accept on a descriptor, which it then owns
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
