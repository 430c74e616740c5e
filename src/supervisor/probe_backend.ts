import { Buffer } from "node:buffer";
import type { Conn } from "../engines/contract.ts";
import { loadEngine } from "../engines/load.ts";
import { localHeader } from "../proxy_protocol/local_header.ts";
import type { KnownBackend } from "./backend_health.ts";

/** Most bytes of a status line that are read; a backend that sends more without an end of line is not well. */
const MAX_STATUS_LINE_BYTES = 1024;

/** What a probe needs to know. */
export type Probed = Pick<KnownBackend, "address" | "target" | "host" | "engine">;

/**
 * Probes a backend once: connects, sends the PROXY header of a connection without a client where the backend expects
 * one, and asks for the path where there is one.
 * @returns `null` where the backend is well, else what is wrong, in words
 */
export async function probeBackend({ address, target, host, engine: engineName }: Probed): Promise<string | null> {
  const { timeoutMs, intervalMs, path } = target.health;
  const limitMs = timeoutMs > 0 ? timeoutMs : intervalMs;
  const engine = await loadEngine(engineName);
  let conn: Conn | null = null;
  let late = false;
  const deadline = performance.now() + limitMs;
  const timer = setTimeout(() => {
    late = true;
    conn?.close();
  }, limitMs);
  try {
    conn = await engine.connect(address, deadline);
    if (late) return `no answer within ${limitMs} ms`;
    const header = localHeader(target.proxyProtocol);
    if (path === "") {
      if (header !== null) {
        await conn.write(header);
        await conn.closeWrite();
      }
      return null;
    }
    const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: tls-off\r\nConnection: close\r\n\r\n`;
    await conn.write(Buffer.concat([header ?? new Uint8Array(0), new TextEncoder().encode(request)]));
    return judgeStatus(await readStatusLine(conn));
  } catch (error) {
    if (late) return `no answer within ${limitMs} ms`;
    return error instanceof Error ? error.message : String(error);
  } finally {
    clearTimeout(timer);
    conn?.close();
  }
}

/** Whether a status line says that all is well; `null` where it does. */
function judgeStatus(line: string): string | null {
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1];
  if (status === undefined) return "the answer is not HTTP/1.1";
  return status >= "200" && status < "400" ? null : `the answer has status ${status}`;
}

/** Reads to the end of the first line, the end of the connection, or the limit, whichever comes first. */
async function readStatusLine(conn: Conn): Promise<string> {
  let text = "";
  while (!text.includes("\n") && text.length < MAX_STATUS_LINE_BYTES) {
    const chunk = await conn.read();
    if (chunk === null) break;
    text += Buffer.from(chunk.subarray(0, MAX_STATUS_LINE_BYTES)).toString("latin1");
  }
  return text.split(/\r?\n/, 1)[0];
}
