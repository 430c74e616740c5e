import { runtimeName } from "../../runtimes/name.ts";

/**
 * The variable that says how many sockets' events Deno takes from the kernel at a time. The default is 1024. Each
 * thread reads it once, when it starts.
 */
const VARIABLE = "DENO_TOKIO_MAX_IO_EVENTS_PER_TICK";
/** Each event leads to a read and a write, which are two of the 128 operations that Tokio allows in one turn. */
const EVENTS = "64";

/**
 * Makes the turns of the event loop short in new threads, and returns whether they are in this thread.
 *
 * In each turn Deno polls everything that is ready, but only 128 operations may proceed. The others are polled in vain,
 * and again in the next turn, the last ones first. With a thousand busy connections each request costs twice the CPU
 * time, and some wait for seconds while others are served. With fewer events at a time the rest waits in the kernel, in
 * order.
 */
export function shortenTurns(): boolean {
  // Asked again, the variable is there, and this thread began without it all the same.
  return areShort ??= shorten();
}

let areShort: boolean | undefined;

function shorten(): boolean {
  if (runtimeName() !== "deno") return true;
  // Without the permission, the person who runs the program may not want this.
  if (Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state !== "granted") return true;
  if (Deno.env.get(VARIABLE)) return true;
  Deno.env.set(VARIABLE, EVENTS);
  return false;
}
