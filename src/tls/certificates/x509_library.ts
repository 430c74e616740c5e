/**
 * The library that makes certificates. It takes 80 ms to load, so it is imported only where one is made.
 *
 * @module
 */
// The library refuses to load without it, and must find it loaded.
import "reflect-metadata";

export * from "@peculiar/x509";
