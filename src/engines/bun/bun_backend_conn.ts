import { libc } from "../../linux/thread_libc.ts";
import { CONNECTION_RESET } from "../contract.ts";
import { BunConn } from "./bun_conn.ts";

/** A connection to a backend. */
export class BunBackendConn extends BunConn {
  private receivedBytes = 0;
  /** How many the kernel had received when a write failed, which counts FIN as one more; `null` before that. */
  private bytesAtRefusal: number | null = null;

  /** Asks for the address of the peer on TCP, which nobody knows any more after a reset. */
  learnRemote(): void {
    void this.remote;
  }

  override received(chunk: Uint8Array): void {
    this.receivedBytes += chunk.length;
    super.received(chunk);
  }

  /** The kernel has told the failed write of a reset, and tells the reads that follow of an end. */
  protected override refused(): void {
    this.bytesAtRefusal = libc.bytesReceived(this.socket.fd);
  }

  /** On TCP an end without FIN is a reset. A Unix socket has no such number. */
  override ended(): void {
    if (this.bytesAtRefusal === this.receivedBytes) this.fail(CONNECTION_RESET);
    else super.ended();
  }
}
