import { Buffer } from "node:buffer";
import type { Conn } from "../engines/contract.ts";
import { loadEngine } from "../engines/load.ts";
import { localHeader } from "../proxy_protocol/local_header.ts";
import type { KnownBackend } from "./backend_health.ts";
import { startProbeDeadline } from "./probe_deadline.ts";

/** Most bytes of a line that are read; a backend that sends more without an end of line is not well. */
const MAX_LINE_BYTES = 1024;
/** Most bytes that are read of an answer until its status is known, interim answers included. */
const MAX_HEAD_BYTES = 16 * 1024;

/**
 * How much later than the probe its connect gives up, in milliseconds. Until then a host that answers nothing has a
 * socket for each probe.
 */
const CONNECT_SPARE_MS = 5_000;

/** What a probe needs to know. */
export type Probed = Pick<KnownBackend, "address" | "target" | "host" | "engine">;

/**
 * Probes a backend once: connects, sends the PROXY header of a connection without a client where the backend expects
 * one, and asks for the path where there is one.
 * @returns `null` where the backend is well, else what is wrong, in words
 */
export async function probeBackend(probed: Probed): Promise<string | null> {
  const { timeoutMs, intervalMs } = probed.target.health;
  const limitMs = timeoutMs > 0 ? timeoutMs : intervalMs;
  const engine = await loadEngine(probed.engine);
  const probe = new Probe(probed);
  let stop = () => {};
  const late = new Promise<string>((resolve) => {
    stop = startProbeDeadline(limitMs, () => resolve(`no answer within ${limitMs} ms`));
  });
  try {
    // Its own deadline decides. That of the connect only frees the socket, and must not be what a busy thread meets.
    const connecting = engine.connect(probed.address, performance.now() + limitMs + CONNECT_SPARE_MS);
    return await Promise.race([probe.ask(connecting), late]);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    stop();
    probe.close();
  }
}

/** One probe of a backend. */
class Probe {
  #conn: Conn | null = null;
  #closed = false;

  constructor(private readonly probed: Probed) {}

  /** Asks whether the backend is well, and returns as {@linkcode probeBackend}. */
  async ask(connecting: Promise<Conn>): Promise<string | null> {
    const { target, host } = this.probed;
    const conn = this.#conn = await connecting;
    if (this.#closed) conn.close();
    const header = localHeader(target.proxyProtocol);
    const { path } = target.health;
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
  }

  /** Frees its connection, now or when it has come. */
  close(): void {
    this.#closed = true;
    this.#conn?.close();
  }
}

/** Whether a status line says that all is well; `null` where it does. */
function judgeStatus(line: string | null): string | null {
  if (line === null) return "the connection ended without an answer";
  const status = statusOf(line);
  if (status === undefined) return "the answer is not HTTP/1.1";
  return status >= "200" && status < "400" ? null : `the answer has status ${status}`;
}

function statusOf(line: string | null): string | undefined {
  return /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line ?? "")?.[1];
}

/**
 * Reads to the status line of the final answer, the end of the connection, or a limit, whichever comes first. Interim
 * answers may come before it, such as 103 with early hints, and no client may take them for the answer (RFC 9110
 * section 15.2). After 101 there is no other.
 * @returns `null` where the connection ends before it
 */
async function readStatusLine(conn: Conn): Promise<string | null> {
  const lines = new LineReader(conn);
  for (;;) {
    const line = await lines.next();
    const status = statusOf(line);
    if (status === undefined || !status.startsWith("1") || status === "101") return line;
    // Its fields end with an empty line.
    for (let field = await lines.next(); field; field = await lines.next());
  }
}

class LineReader {
  #text = "";
  #read = 0;

  constructor(private readonly conn: Conn) {}

  /**
   * The next line without its end, or the beginning of one that is too long; `null` at the end of the connection.
   * @throws {Error} where all that is read of an answer has been read
   */
  async next(): Promise<string | null> {
    let end: number;
    while ((end = this.#text.indexOf("\n")) < 0 && this.#text.length < MAX_LINE_BYTES && this.#read < MAX_HEAD_BYTES) {
      const chunk = await this.conn.read();
      if (chunk === null) break;
      const part = chunk.subarray(0, MAX_HEAD_BYTES - this.#read);
      this.#read += part.length;
      this.#text += Buffer.from(part).toString("latin1");
    }
    if (this.#text === "") {
      if (this.#read < MAX_HEAD_BYTES) return null;
      throw new Error(`the answer has no status within ${MAX_HEAD_BYTES} bytes`);
    }
    const line = end < 0 ? this.#text : this.#text.slice(0, end);
    this.#text = end < 0 ? "" : this.#text.slice(end + 1);
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}
