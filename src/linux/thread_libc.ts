import { Libc } from "./libc.ts";

/**
 * The C library of this thread. A library stays open until its thread ends, so there is one for all who need it; it is
 * imported only where the runtime has FFI.
 */
export const libc = new Libc();
