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
 * The wildcard that stands for a name, `*.example` for `a.example`; a wildcard's own is itself, "" where there is none.
 */
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
