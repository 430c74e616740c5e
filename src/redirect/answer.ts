/** What a plain HTTP request is answered with: a pure function on its head (RFC 9112). */
import { isIP } from "node:net";
import { normalizeServerName } from "../net/server_names.ts";

/** An answer without a body. */
export interface RedirectAnswer {
  status: 308 | 400 | 408 | 431 | 505;
  /** Where to; absent unless the status is 308. */
  location?: string;
}

const REASONS: Record<RedirectAnswer["status"], string> = {
  308: "Permanent Redirect",
  400: "Bad Request",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
  505: "HTTP Version Not Supported",
};

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
/** What may stand in a request's target, and then in a header field: visible ASCII. */
const VISIBLE = /^[\x21-\x7e]+$/;

/**
 * Answers a request: 308 to https of the same host and path, whatever its method.
 * @param head from the request line to the empty line, which is left out; one character for each byte
 */
export function answerRequest(head: string): RedirectAnswer {
  const [requestLine, ...fields] = head.split("\r\n");
  const [method, target, version, surplus] = requestLine.split(" ");
  if (surplus !== undefined || !TOKEN.test(method) || !VISIBLE.test(target ?? "")) return { status: 400 };
  if (!/^HTTP\/1\.[01]$/.test(version ?? "")) {
    return { status: /^HTTP\/\d/.test(version ?? "") ? 505 : 400 };
  }
  const hosts: string[] = [];
  for (const field of fields) {
    // A line that goes on with the one before, or with a space before its colon, means other things to other readers.
    const [, name, value] = /^([^\s:]+):[ \t]*(.*?)[ \t]*$/.exec(field) ?? [];
    if (name === undefined || !TOKEN.test(name)) return { status: 400 };
    if (name.toLowerCase() === "host") hosts.push(value);
  }
  if (hosts.length > 1) return { status: 400 };
  const absolute = /^http:\/\/([^/?#]*)(.*)$/i.exec(target);
  const host = readHost(absolute === null ? hosts[0] ?? "" : absolute[1]);
  const path = absolute === null ? target : absolute[2].startsWith("/") ? absolute[2] : `/${absolute[2]}`;
  if (
    host === null || !path.startsWith("/") || (absolute !== null && hosts.some((value) => readHost(value) === null))
  ) {
    return { status: 400 };
  }
  return { status: 308, location: `https://${host}${path.split("#", 1)[0]}` };
}

/** The host of an authority, which must be a name or an address, without its port; `null` where it is neither. */
function readHost(authority: string): string | null {
  const [, bracketed, bare] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::\d{0,5})?$/.exec(authority) ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? `[${bracketed.toLowerCase()}]` : null;
  // deno-lint-ignore no-control-regex
  if (bare === undefined || /[^\x00-\x7f]/.test(bare)) return null;
  if (isIP(bare) === 4) return bare;
  return bare.startsWith("*.") ? null : normalizeServerName(bare) || null;
}

/** Writes an answer; the connection ends with it. */
export function formatAnswer({ status, location }: RedirectAnswer): string {
  return [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    ...(location === undefined ? [] : [`Location: ${location}`]),
    "Content-Length: 0",
    "Connection: close",
    "",
    "",
  ].join("\r\n");
}
