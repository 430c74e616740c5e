/** Who may ask the admin endpoint what: browsers are kept from asking on behalf of other sites. */
import ipaddr from "ipaddr.js";
import type { Address } from "../net/address.ts";

/** The headers that matter here. */
interface GuardedRequest {
  method: string;
  host: string | undefined;
  origin: string | undefined;
  /** `Sec-Fetch-Site`. */
  fetchSite: string | undefined;
}

/**
 * The reason why a request is refused; `null` lets it pass.
 * @param listen the configured address
 */
export function refuseRequest(request: GuardedRequest, listen: Address): string | null {
  return refuseHost(request, listen) ?? (isReading(request.method) ? null : refuseForeignPost(request));
}

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/**
 * DNS rebinding: a page of evil.example asks for that name after it has come to mean 127.0.0.1. Its requests name
 * evil.example, so names are refused that nobody has given us. An IP address cannot be rebound. A browser cannot reach a
 * Unix socket, and always names the host: who reads without is no browser, but a health check by HTTP/1.0, as HAProxy's.
 */
function refuseHost({ method, host }: GuardedRequest, listen: Address): string | null {
  if (listen.transport === "unix" || (host === undefined && isReading(method))) return null;
  const name = hostName(host);
  if (name === null) return "Host header is missing or malformed";
  if (ipaddr.isValid(name) || name === "localhost" || name.endsWith(".localhost") || name === listen.hostname) {
    return null;
  }
  return "Host header names neither an IP address nor localhost";
}

function hostName(host: string | undefined): string | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/.exec(host ?? "");
  return match ? (match[1] ?? match[2]).toLowerCase() : null;
}

/** Cross-site request forgery: a page elsewhere may send a POST, without reading the answer. */
function refuseForeignPost({ host, origin, fetchSite }: GuardedRequest): string | null {
  if (fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none") {
    return "request comes from another site";
  }
  if (origin !== undefined && origin !== `http://${host}`) return "request comes from another origin";
  return null;
}
