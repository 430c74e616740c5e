import type { PeerCertificate } from "./tls_info.ts";
import { normalizeServerName } from "../net/server_names.ts";
import { compilePattern } from "./pattern.ts";

/** The patterns of the configuration for clients that are admitted. */
export interface ClientAuthRules {
  /** `*` stands for one or more characters. */
  allowCn: readonly string[];
  /** `*` stands for one or more characters within a label; case does not matter. Only host names match. */
  allowDns: readonly string[];
  /** `*` stands for one or more characters within a segment, `**` for one or more across segments; case matters. */
  allowUri: readonly string[];
}

/**
 * Compiles the rules for clients whose certificate the engine has verified. One match is enough to be admitted. Without
 * rules every such client is admitted.
 *
 * A name is compared as a whole, and as it is in the certificate: `spiffe://a/*` is no prefix, and does not admit
 * `spiffe://a/b/c`.
 */
export function compileClientAuth(rules: ClientAuthRules): (peer: PeerCertificate) => boolean {
  const { allowCn, allowDns, allowUri } = rules;
  if (allowCn.length + allowDns.length + allowUri.length === 0) return () => true;
  const cn = allowCn.map((pattern) => compilePattern(pattern));
  const dns = allowDns.map((pattern) => compilePattern(trimDot(pattern), { separator: ".", ignoreCase: true }));
  const uri = allowUri.map((pattern) => compilePattern(pattern, { separator: "/", doubleStar: true }));
  return (peer) =>
    cn.some((matches) => matches(peer.commonName)) ||
    peer.dnsNames.some((name) => isHostName(name) && dns.some((matches) => matches(trimDot(name)))) ||
    peer.uris.some((name) => uri.some((matches) => matches(name)));
}

/**
 * Whether a name of a certificate is one of a host, and no wildcard: whoever signed `x,DNS:y.good.example` as one name
 * has not vouched for a host.
 */
function isHostName(name: string): boolean {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(name) && !name.startsWith("*") && normalizeServerName(name) !== "";
}

/** Removes the root's dot, which has no meaning in a certificate. */
function trimDot(name: string): string {
  return name.endsWith(".") ? name.slice(0, -1) : name;
}
