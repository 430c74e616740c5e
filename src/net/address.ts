import ipaddr from "ipaddr.js";
import { isAbsolute, resolve } from "node:path";
import { quoteValue } from "./quote_value.ts";
import { ValueError } from "./value_error.ts";

/** Where to listen or connect. A Unix `path` that starts with NUL is an abstract name of its exact length (unix(7)). */
export type Address =
  | { transport: "tcp"; hostname: string; port: number }
  | { transport: "unix"; path: string };

/**
 * What {@linkcode parseAddress} takes, to follow "must be". A hostname without brackets is a name or IPv4.
 */
export const ADDRESS_ALLOWED =
  'an address such as "127.0.0.1:8443", "[::1]:8443", ":8443" (all addresses), "unix:/run/app.sock" or "unix:@name"';

/**
 * Most bytes of a Unix socket's name. `sun_path` has 108 bytes, of which one is the NUL that ends a path or begins an
 * abstract name (unix(7)).
 */
export const MAX_UNIX_BYTES = 107;
const encoder = new TextEncoder();

export interface ParseAddressOptions {
  /** `connect`: a host is required, and port 0 is refused. Default: `listen`. */
  purpose?: "listen" | "connect";
  /** The directory that relative Unix paths start from. Without it they stay relative. */
  baseDir?: string;
}

/**
 * Parses where to listen or connect: `127.0.0.1:8443`, `[::]:443`, `:8443`, `host:port`, `tcp:host:port`, `unix:/path`,
 * `unix:@name` (abstract). IP addresses come out in their canonical form.
 *
 * `:8443` (all addresses) is `[::]:8443`: Linux takes IPv4 on that socket as well (net.ipv6.bindv6only is 0 unless
 * changed), and two sockets would need SO_REUSEPORT to live beside each other.
 *
 * @throws {ValueError} saying which part is wrong
 *
 * @example
 * ```ts
 * parseAddress("unix:@app"); // { transport: "unix", path: "\0app" }
 * ```
 */
export function parseAddress(text: unknown, options: ParseAddressOptions = {}): Address {
  const fail = (detail: string) => new ValueError("address", text, detail);
  const meant = meantAddress(text, options);
  if (meant !== null) throw fail(meant);
  if (typeof text !== "string" || text === "") throw fail(`must be ${ADDRESS_ALLOWED}`);
  // deno-lint-ignore no-control-regex -- a NUL would cut the path short in the kernel; others garble logs
  if (/[\x00-\x1f\x7f]/.test(text)) throw fail("must not contain control characters");
  return text.startsWith("unix:")
    ? parseUnix(text.slice("unix:".length), options, fail)
    : parseTcp(text.startsWith("tcp:") ? text.slice("tcp:".length) : text, options, fail);
}

/**
 * Writes an address as it is written in the configuration.
 *
 * @example
 * ```ts
 * formatAddress({ transport: "tcp", hostname: "::1", port: 443 }); // "[::1]:443"
 * ```
 */
export function formatAddress(address: Address): string {
  if (address.transport === "unix") return `unix:${address.path.replace(/^\0/, "@")}`;
  const { hostname, port } = address;
  return hostname.includes(":") ? `[${hostname}]:${port}` : `${hostname}:${port}`;
}

/** Whether only this machine can reach the address: a Unix socket, 127.0.0.0/8, ::1 or localhost. */
export function isLocalAddress(address: Address): boolean {
  if (address.transport === "unix" || address.hostname === "localhost") return true;
  return ipaddr.isValid(address.hostname) && ipaddr.process(address.hostname).range() === "loopback";
}

/**
 * Leaves out `0.0.0.0:PORT` where `[::]:PORT` is in the list: that one socket takes both families, and a second one
 * fails to bind without SO_REUSEPORT ("address already in use").
 */
export function withoutCovered(addresses: readonly Address[]): Address[] {
  return addresses.filter((address) =>
    address.transport === "unix" || address.hostname !== "0.0.0.0" || address.port === 0 ||
    !addresses.some((other) => other.transport === "tcp" && other.hostname === "::" && other.port === address.port)
  );
}

/** What was probably meant by something that is written as elsewhere; `null` where that is not to be seen. */
function meantAddress(value: unknown, { purpose }: ParseAddressOptions): string | null {
  const ofPort = (port: string) =>
    purpose === "connect" ? `must name a host: "localhost:${port}"` : `a port alone is written ":${port}"`;
  if (typeof value === "number") return Number.isInteger(value) && value >= 0 ? ofPort(`${value}`) : null;
  if (typeof value !== "string") return null;
  const several = value.split(/[\s,;]+/).filter(Boolean);
  if (several.length > 1 && several.length <= 8 && several.every((one) => /^(unix:.+|[^/]*:\d+)$/.test(one))) {
    return `several addresses are a list: [${several.map(quoteValue).join(", ")}]`;
  }
  const port = /^\*:(\d+)$/.exec(value)?.[1];
  if (port !== undefined) return purpose === "connect" ? ofPort(port) : `all addresses are written ":${port}"`;
  if (/^\.{0,2}\//.test(value)) return `a Unix socket is written "unix:${value}"`;
  const [, scheme, rest] = /^([a-z][a-z0-9+.-]*):\/\/([^/]*.*)$/i.exec(value) ?? [];
  if (scheme === undefined) return null;
  if (rest.startsWith("/")) return `a Unix socket is written "unix:${rest}"`;
  if (scheme.toLowerCase() === "unix") return `a Unix socket is written "unix:/${rest}"`;
  const [authority] = rest.split("/", 1);
  const usual = USUAL_PORTS[scheme.toLowerCase()];
  const written = /:\d+$/.test(authority) || usual === undefined ? authority : `${authority}:${usual}`;
  return `an address has no scheme and no path: "${written}"`;
}

/** Of the schemes that are written in front of a host most often. */
const USUAL_PORTS: Record<string, number> = { http: 80, https: 443, ws: 80, wss: 443 };

type Fail = (detail: string) => ValueError;

function parseUnix(name: string, { baseDir }: ParseAddressOptions, fail: Fail): Address {
  if (name === "" || name === "@") throw fail('must name a socket: "unix:/run/app.sock" or "unix:@name"');
  const path = name.startsWith("@")
    ? "\0" + name.slice(1)
    : baseDir === undefined || isAbsolute(name)
    ? name
    : resolve(baseDir, name);
  const bytes = encoder.encode(path).length - (path.startsWith("\0") ? 1 : 0);
  if (bytes > MAX_UNIX_BYTES) {
    throw fail(`a Unix socket's name must have at most ${MAX_UNIX_BYTES} bytes: has ${bytes}`);
  }
  return { transport: "unix", path };
}

function parseTcp(text: string, { purpose }: ParseAddressOptions, fail: Fail): Address {
  const match = /^(?:\[([^\[\]]*)\]|([^\[\]:]*))(?::([^:]*))?$/.exec(text);
  if (!match) {
    throw fail(
      text.includes("::") && !text.includes("[") ? "IPv6 needs brackets and a port: [::1]:8443" : notAnAddress(),
    );
  }
  const [, bracketed, plain = "", portText] = match;
  if (portText === undefined) {
    throw fail(/^\d+$/.test(plain) ? `a port alone is written ":${plain}"` : notAnAddress(" (the port is missing)"));
  }
  const port = Number(portText);
  const lowest = purpose === "connect" ? 1 : 0;
  if (!/^\d{1,5}$/.test(portText) || port < lowest || port > 65535) {
    throw fail(`port must be a number from ${lowest} to 65535`);
  }
  if (bracketed !== undefined) {
    if (!/^[0-9A-Fa-f:.]+(%[\w.-]{1,15})?$/.test(bracketed) || !ipaddr.IPv6.isValid(bracketed)) {
      throw fail("must have an IPv6 address in the brackets");
    }
    return { transport: "tcp", hostname: ipaddr.process(bracketed).toString(), port };
  }
  if (plain === "") {
    if (purpose === "connect") throw fail(`must name a host: "localhost:${port}"`);
    return { transport: "tcp", hostname: "::", port };
  }
  return { transport: "tcp", hostname: parseHost(plain, fail), port };
}

function parseHost(host: string, fail: Fail): string {
  // Digits and dots alone are meant as IPv4. The resolver would take "127.1" for 127.0.0.1 and "010.0.0.1" for 8.0.0.1.
  if (/^[\d.]+$/.test(host)) {
    if (!ipaddr.IPv4.isValidFourPartDecimal(host)) {
      throw fail("must have an IPv4 address of four numbers from 0 to 255");
    }
    return host;
  }
  if (host.length > 253 || !/^(?!-)[A-Za-z0-9_-]{1,63}(?:\.(?!-)[A-Za-z0-9_-]{1,63})*\.?$/.test(host)) {
    throw fail("must have a host name or an IP address before the port");
  }
  return host.toLowerCase();
}

function notAnAddress(reason = ""): string {
  return `must be ${ADDRESS_ALLOWED}${reason}`;
}
