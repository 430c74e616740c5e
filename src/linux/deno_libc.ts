import { Libc } from "./libc.ts";

/** The thread's own, for whatever of the native engine on Deno needs it: each one has a descriptor. */
export const libc = new Libc();
