import { ConnError, type PreambleConn } from "../engines/contract.ts";
import { ACCEPTED_HEADER_BYTES, parseProxyHeader } from "../proxy_protocol/parse.ts";
import type { ProxyHeader } from "../proxy_protocol/proxy_header.ts";
import { ProxyHeaderError } from "../proxy_protocol/proxy_header_error.ts";

interface ReadProxyHeaderOptions {
  /** Section 2: "at least 3 seconds to cover a TCP retransmit". */
  timeoutMs?: number;
  /** The longest header to accept, in bytes. */
  limit?: number;
}

/**
 * Reads the header in front of a connection's TLS, and nothing after it. Where the header does not come in time, the
 * connection is closed. After any other error the caller has to close it.
 *
 * @throws {ProxyHeaderError} refused, not complete in time (`timeout`), or the sender left within it (`truncated`)
 * @throws {ConnError} the connection failed
 */
export async function readProxyHeader(conn: PreambleConn, options: ReadProxyHeaderOptions = {}): Promise<ProxyHeader> {
  const { timeoutMs = 3000, limit = ACCEPTED_HEADER_BYTES } = options;
  let header: ProxyHeader | undefined;
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    conn.close();
  }, timeoutMs);
  try {
    await conn.readPreamble(limit, (bytes) => {
      const result = parseProxyHeader(bytes, limit);
      if (result.kind === "need-more") return 0;
      clearTimeout(timer); // the header came in time, even if the adapter takes longer
      header = result.header;
      return result.length;
    });
  } catch (error) {
    if (late) {
      throw new ProxyHeaderError("timeout", `Cannot accept connection: no PROXY header in ${timeoutMs} ms`, {
        cause: error,
      });
    }
    if (error instanceof ConnError && error.kind === "truncated") {
      throw new ProxyHeaderError("truncated", "Cannot accept connection: it ended within its PROXY header", {
        cause: error,
      });
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
  if (!header) throw new ProxyHeaderError("truncated", "Cannot accept connection: it ended within its PROXY header");
  return header;
}
