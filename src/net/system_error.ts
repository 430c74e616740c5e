import type { Address } from "./address.ts";

/**
 * The operating system's errors by their codes (errno(3), getaddrinfo(3)), as one line each: the runtimes' own words
 * differ.
 */
const TEXTS: Record<string, string> = {
  ENOENT: "file not found",
  ENOTDIR: "a part of its path is not a directory",
  EISDIR: "is a directory",
  EEXIST: "file exists",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EROFS: "read-only file system",
  ENOSPC: "no space left on the device",
  ELOOP: "its symbolic links form a loop",
  EMFILE: "too many open files",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "no network interface here has this address",
  EAFNOSUPPORT: "this machine does not speak that address family",
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "the host name is not known",
  DNS_ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be resolved now",
};

/** Says what is wrong, without the path or address, which the caller knows better. */
export function explainSystemError(error: unknown): string {
  const { code, message, name } = error as NodeJS.ErrnoException;
  // Deno's own words ask for --allow-all, which nobody should give.
  if (name === "NotCapable" || code === "ERR_ACCESS_DENIED") {
    return "the permissions that the program runs with do not allow it";
  }
  if (code !== undefined && Object.hasOwn(TEXTS, code)) return TEXTS[code];
  return message === undefined ? String(error) : message.split("\n", 1)[0];
}

/** Says why an address cannot be listened on, and what a port below 1024 needs (ip(7), capabilities(7)). */
export function explainListenError(error: unknown, address: Address): string {
  const reason = explainSystemError(error);
  if (reason !== TEXTS.EACCES || address.transport !== "tcp" || address.port >= 1024) return reason;
  return `${reason}: a port below 1024 needs the capability CAP_NET_BIND_SERVICE, or a service manager that gives it`;
}
