import { Libc } from "./libc.ts";

/**
 * The C library of this thread. A library stays open until its thread ends, so all modules share one. To be imported
 * only where the runtime has FFI.
 */
export const libc = new Libc();
