import { isIP } from "node:net";
import { domainToASCII } from "node:url";

/**
 * Brings a server name into the form in which names are compared: lower case, without the root's dot, IDNA A-labels.
 *
 * @returns "" where `name` is an IP address, or has characters that no DNS name can have
 */
export function normalizeServerName(name: string): string {
  let normal = name.endsWith(".") ? name.slice(0, -1) : name;
  const wildcard = normal.startsWith("*.") ? "*." : "";
  // deno-lint-ignore no-control-regex
  if (/[^\x00-\x7f]/.test(normal)) normal = wildcard + domainToASCII(normal.slice(wildcard.length));
  normal = normal.toLowerCase();
  // Host names have no underscores, but names in certificates and of clients do.
  const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
  if (normal.length > 253 || !new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`).test(normal)) return "";
  // Dotted digits are an IPv4 address, which SNI does not carry.
  return /^[\d.]+$/.test(normal) ? "" : normal;
}

/**
 * Brings a client's server name (SNI), in which labels are A-labels, into the form of {@linkcode normalizeServerName}.
 */
export function comparableServerName(serverName: string): string {
  const name = serverName.toLowerCase();
  return name.endsWith(".") ? name.slice(0, -1) : name;
}

/**
 * Indexes which certificate answers for which server name (SNI, RFC 6066 section 3), for one look-up per handshake.
 *
 * An exact name precedes a wildcard, and an earlier certificate a later one. A wildcard stands for exactly one label.
 * The first certificate answers where the client sent no name.
 *
 * @param names the names of each certificate, as in {@linkcode normalizeServerName}
 * @param strict an unknown name gets `null` (the alert unrecognized_name) instead of the first certificate
 * @returns a function from the client's server name to the index of the certificate
 */
export function indexServerNames(
  names: readonly (readonly string[])[],
  strict: boolean,
): (serverName: string | null | undefined | false) => number | null {
  const exact = new Map<string, number>();
  const wildcard = new Map<string, number>();
  for (const [index, list] of names.entries()) {
    for (const name of list) {
      const map = name.startsWith("*.") ? wildcard : exact;
      const key = name.startsWith("*.") ? name.slice(2) : name;
      if (!map.has(key)) map.set(key, index);
    }
  }
  const unknown = strict ? null : 0;
  return (serverName) => {
    // An IP address is no server name (RFC 6066 section 3): it is as if the client had sent none, on every engine.
    if (!serverName || isIP(serverName) !== 0) return 0;
    const name = comparableServerName(serverName);
    // A client has to name one host: what is none, a wildcard's own name among it, is known to nobody.
    if (name.startsWith("*") || normalizeServerName(name) !== name) return unknown;
    const found = exact.get(name);
    if (found !== undefined) return found;
    const dot = name.indexOf(".");
    // With a dot at the start, the label that the wildcard stands for would be empty.
    return dot > 0 ? wildcard.get(name.slice(dot + 1)) ?? unknown : unknown;
  };
}

/** The wildcard that stands for a name, `*.example` for `a.example`; a wildcard's own is itself, "" where there is none. */
export function wildcardOf(name: string): string {
  if (name.startsWith("*.")) return name;
  const dot = name.indexOf(".");
  return dot > 0 ? `*${name.slice(dot)}` : "";
}

/** Whether a certificate with the names `covering` is valid for `name`, itself perhaps a wildcard. Both normalized. */
export function coversName(covering: readonly string[], name: string): boolean {
  const dot = name.indexOf(".");
  return covering.includes(name) || (dot > 0 && !name.startsWith("*.") && covering.includes(`*${name.slice(dot)}`));
}
