/**
 * What is used of `prom-client`, as a module of its own that can be loaded late. The package is CommonJS, and where a
 * bundle is in several files, a late import of such a package has a default export alone.
 */
export { Registry } from "prom-client";
