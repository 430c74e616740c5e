import type { ConnectionEnds } from "../../linux/endpoint_key.ts";
import { readUnsent } from "../../linux/proc_net_tcp.ts";
import { runtimeName } from "../../runtimes/name.ts";

/** Asks the kernel about several connections at once. */
const query: (connections: readonly ConnectionEnds[]) => (number | null)[] | Promise<(number | null)[]> =
  runtimeName() === "node" ? readUnsent : await askLibc();

async function askLibc() {
  const { libc } = await import("../../linux/thread_libc.ts");
  return (connections: readonly ConnectionEnds[]) => libc.unsentBytesOf(connections);
}

const NOBODY_KNOWS: Promise<null> = Promise.resolve(null);

let asked: (ConnectionEnds & { resolve: (unsent: number | null) => void })[] = [];

/**
 * Asks how many bytes the peer of a TCP connection has not acknowledged, where the runtime has no descriptor for it.
 * All that ask in one turn of the event loop share one query.
 * @returns `null` where nobody knows, as on a Unix socket
 */
export function unsentBytes({ local, remote }: ConnectionEnds): Promise<number | null> {
  if (remote.hostname === "" || local.hostname === "") return NOBODY_KNOWS;
  return new Promise((resolve) => {
    asked.push({ local, remote, resolve });
    if (asked.length === 1) queueMicrotask(answer);
  });
}

async function answer(): Promise<void> {
  const batch = asked;
  asked = [];
  const unsent = await query(batch);
  for (const [index, { resolve }] of batch.entries()) resolve(unsent[index]);
}
