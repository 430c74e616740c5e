import type { ConnErrorKind } from "../contract.ts";

/** The kind of each error of the operating system: its name, its number on Linux (errno(3)), what it means here. */
const KINDS: readonly [name: string, errno: number, kind: ConnErrorKind][] = [
  ["ECONNRESET", 104, "reset"],
  ["EPIPE", 32, "broken-pipe"],
  ["ECONNABORTED", 103, "reset"],
  ["ENOTCONN", 107, "reset"],
  ["ECONNREFUSED", 111, "refused"],
  ["ENOENT", 2, "refused"],
  ["ETIMEDOUT", 110, "timeout"],
  // A Unix socket whose accept backlog is full (unix(7)).
  ["EAGAIN", 11, "exhausted"],
  ["EMFILE", 24, "exhausted"],
  ["ENFILE", 23, "exhausted"],
  ["ENOBUFS", 105, "exhausted"],
  ["ENOMEM", 12, "exhausted"],
];

const BY_NAME = new Map(KINDS.map(([name, , kind]) => [name, kind]));
const BY_ERRNO = new Map(KINDS.map(([, errno, kind]) => [errno, kind]));

/**
 * Returns the kind of an error of the operating system; `undefined` for one that means nothing here.
 * @param error its name, such as `ECONNRESET`, or its number
 */
export function errnoKind(error: string | number): ConnErrorKind | undefined {
  return typeof error === "string" ? BY_NAME.get(error) : BY_ERRNO.get(error);
}
