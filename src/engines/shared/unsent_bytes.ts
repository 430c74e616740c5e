import type { ConnectionEnds } from "../../linux/endpoint_key.ts";
import { readUnsent } from "../../linux/proc_net_tcp.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { Batches } from "./batches.ts";

/** Asks the kernel about several connections at once. */
const query: (connections: readonly ConnectionEnds[]) => (number | null)[] | Promise<(number | null)[]> =
  runtimeName() === "node" ? readUnsent : await askLibc();

async function askLibc() {
  const { libc } = await import("../../linux/thread_libc.ts");
  return (connections: readonly ConnectionEnds[]) => libc.unsentBytesOf(connections);
}

const NOBODY_KNOWS: Promise<null> = Promise.resolve(null);

const batches = new Batches(query);

/**
 * Asks how many bytes the peer of a TCP connection has not acknowledged, where the runtime has no descriptor for it.
 * @returns `null` where nobody knows, as on a Unix socket
 */
export function unsentBytes({ local, remote }: ConnectionEnds): Promise<number | null> {
  if (remote.hostname === "" || local.hostname === "") return NOBODY_KNOWS;
  return batches.ask({ local, remote });
}
