/** Refuses requests of browsers to the admin endpoint that come from pages of other sites. */
import ipaddr from "ipaddr.js";
import type { Address } from "../net/address.ts";

/** The parts of a request that decide. */
interface RequestHeaders {
  method: string;
  host: string | undefined;
  origin: string | undefined;
  /** `Sec-Fetch-Site`. */
  fetchSite: string | undefined;
}

/**
 * Returns the reason why a request is refused; `null` where it is not.
 * @param listen the configured address
 */
export function refuseRequest(request: RequestHeaders, listen: Address): string | null {
  return refuseHost(request, listen) ?? (isReading(request.method) ? null : refuseForeignPost(request));
}

function isReading(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/**
 * Refuses DNS rebinding: a page of evil.example requests that name after its owner has let it resolve to 127.0.0.1.
 * Such requests have evil.example as their host, so names that are not configured are refused. An IP address cannot be
 * rebound. A browser cannot reach a Unix socket. A browser always sends a host, so a GET without one is not from a
 * browser but, for example, one of HAProxy's health checks by HTTP/1.0.
 */
function refuseHost({ method, host }: RequestHeaders, listen: Address): string | null {
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

/** Refuses cross-site request forgery: a page of another site can send a POST, though it cannot read the answer. */
function refuseForeignPost({ host, origin, fetchSite }: RequestHeaders): string | null {
  if (fetchSite !== undefined && fetchSite !== "same-origin" && fetchSite !== "none") {
    return "request comes from another site";
  }
  if (origin !== undefined && origin !== `http://${host}`) return "request comes from another origin";
  return null;
}
