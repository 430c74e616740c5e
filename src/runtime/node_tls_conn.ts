import type { Socket } from "node:net";
import { ConnError, type PreambleConn, type TlsInfo } from "./contract.ts";
import { runtimeName } from "./detect.ts";
import { NodeConn } from "./node_conn.ts";
import { nodeConnError } from "./node_error.ts";
import type { NodeTls } from "./node_tls.ts";

const ON_DENO = runtimeName() === "deno";

/** A client's connection: plain until its handshake is asked for. */
export class NodeTlsConn extends NodeConn implements PreambleConn {
  readonly #raw: Socket;
  readonly #tls: NodeTls;

  /** @param raw paused, with nothing read from it */
  constructor(raw: Socket, tls: NodeTls) {
    super(raw);
    this.#raw = raw;
    this.#tls = tls;
    this.watch(raw);
  }

  override async handshake(): Promise<TlsInfo> {
    const socket = this.#tls.start(this.#raw);
    this.attach(socket);
    // Without a `tls.Server` to take them, errors after the handshake come as this event alone.
    socket.on("_tlsError", (error) => this.fail(nodeConnError(error)));
    const left = () => this.fail(new ConnError("truncated", "Connection ended within the handshake"));
    socket.once("end", left);
    await this.next(socket, "secure");
    socket.off("end", left);
    return this.#tls.info(socket);
  }

  async readPreamble(limit: number, parse: (bytes: Uint8Array) => number): Promise<void> {
    const raw = this.#raw;
    let bytes = new Uint8Array(0);
    for (;;) {
      const chunk: Uint8Array | null = raw.read(Math.min(raw.readableLength, limit - bytes.length) || undefined);
      if (chunk === null) {
        if (raw.readableEnded) throw new ConnError("truncated", "Connection ended within its preamble");
        await this.next(raw, "readable");
        continue;
      }
      const all = new Uint8Array(bytes.length + chunk.length);
      all.set(bytes);
      all.set(chunk, bytes.length);
      bytes = all;
      const length = parse(bytes);
      if (length > 0) {
        if (length < bytes.length) raw.unshift(bytes.subarray(length));
        return;
      }
      if (bytes.length >= limit) throw new ConnError("other", `Preamble has no end within ${limit} bytes`);
    }
  }

  /**
   * On Deno 2.9 the end of a TLS stream is lost once that was paused and resumed. Its raw socket can be paused instead, and goes
   * on after it was told twice.
   */
  protected override pauseReading(): void {
    if (!ON_DENO) return super.pauseReading();
    this.#raw.pause();
  }

  protected override resumeReading(): void {
    if (!ON_DENO) return super.resumeReading();
    this.#raw.resume();
    this.#raw.pause();
    this.#raw.resume();
  }

  override close(): void {
    super.close();
    this.#raw.destroy();
  }
}
