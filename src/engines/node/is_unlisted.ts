import type { ConnectionEnds } from "../../linux/endpoint_key.ts";
import { areUnlisted } from "../../linux/proc_net_tcp.ts";
import { Batches } from "../shared/batches.ts";

/** The tables are long where there are many connections, and many clients may leave at once. */
const batches = new Batches(areUnlisted);

/**
 * Whether the kernel has no TCP connection of these ends any more, as after a reset. One whose peer has sent FIN alone
 * is listed.
 * @returns `false` also where no table can be read
 */
export function isUnlisted({ local, remote }: ConnectionEnds): Promise<boolean> {
  return batches.ask({ local, remote }).catch(() => false);
}
