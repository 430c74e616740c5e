import { runtimeName } from "../../runtimes/name.ts";

/** How many sockets' events Deno takes from the kernel at a time; 1024 where nobody says. Read once for each thread, when it starts. */
const VARIABLE = "DENO_TOKIO_MAX_IO_EVENTS_PER_TICK";
/** Each event is a read, and the write that it leads to: two of the 128 operations that Tokio lets go on in one turn. */
const EVENTS = "64";

/**
 * Sees to it that the turns of new threads are short, and tells whether this thread's are.
 *
 * In each turn Deno polls whatever is ready, but only 128 operations may go on; the others are polled in vain, and again in the next
 * turn, the last first. With a thousand busy connections each request costs twice the CPU time, and some wait for seconds while
 * others are served. With fewer events at a time the rest waits in the kernel, first come, first served.
 */
export function shortenTurns(): boolean {
  if (runtimeName() !== "deno") return true;
  // Who runs the program with permissions of their own may not want this.
  if (Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state !== "granted") return true;
  if (Deno.env.get(VARIABLE)) return true;
  Deno.env.set(VARIABLE, EVENTS);
  return false;
}
