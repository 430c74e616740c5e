/**
 * The runtimes that the project is built with and shipped on. Everything else that names one of them is compared with
 * these.
 */

/** The Deno that makes the bundle, runs the tests, and is inside of the released binaries. */
export const DENO_VERSION = "2.9.6";

/** The Bun that the binaries have inside, for both machines. */
export const BUN_VERSION = "1.4.5";
