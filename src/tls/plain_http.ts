/**
 * The answer to a client that sends HTTP to a port of TLS, where the engine shows its first bytes before TLS ends.
 * nginx answers likewise, as status 497. The answer is fixed: nothing of the request is in it.
 */
const BODY = "This port speaks TLS: use https:// instead of http://\n";

/** The whole answer, HTTP/1.1 (RFC 9112). */
export const PLAIN_HTTP_ANSWER: Uint8Array<ArrayBuffer> = new TextEncoder().encode(
  [
    "HTTP/1.1 400 Bad Request",
    "Connection: close",
    "Content-Type: text/plain",
    `Content-Length: ${BODY.length}`,
    "",
    BODY,
  ].join("\r\n"),
);

/** The methods of RFC 9110 and 5789, and the first word of HTTP/2's preface (RFC 9113). */
const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"];
const LONGEST = Math.max(...METHODS.map((method) => method.length));

/** Whether the first bytes of a connection are those of an HTTP request. No TLS record begins with a capital letter. */
export function isHttpRequest(bytes: Uint8Array): boolean {
  const [word, ...rest] = new TextDecoder("latin1").decode(bytes.subarray(0, LONGEST + 1)).split(" ");
  return rest.length > 0 && METHODS.includes(word);
}
