import { setTimeout } from "node:timers";
import type { ConnectionEnds } from "../../linux/endpoint_key.ts";
import type { Libc } from "../../linux/libc.ts";

/**
 * What the kernel may hold of a client's bytes until the connection is known to be a bulk transfer whose reader keeps
 * up. The kernel begins with the same size. Bun reads all that is there at once, up to 512 KiB, and keeps what the
 * application does not take; with `node:tls` three such chunks.
 */
export const FIRST_RECEIVE_BUFFER_BYTES = 64 * 1024;
/** A connection that has brought fewer bytes has the receive buffer that the kernel began with. */
export const FIRST_BYTES = 16 * 1024;
/** From here on a transfer is a bulk transfer. */
export const BULK_BYTES = 256 * 1024;
/** Connections are found by a scan of all descriptors, which many share. */
const SCAN_MS = 50;

/**
 * Has the connections of a listening socket begin with a small receive buffer, where the kernel can be told later to
 * let it grow. A connection that begins so has a window of 128 KiB at most for as long as it lives, since the kernel
 * chooses the window's scale by the listening socket's bound (tcp_select_initial_window). Where the connections'
 * descriptors are known, each is bounded later, therefore.
 * @returns whether they do
 */
export function boundReceiveBuffers(libc: Libc, fd: number): boolean {
  return libc.freeReceiveBuffer(fd) && libc.limitReceiveBuffer(fd, FIRST_RECEIVE_BUFFER_BYTES);
}

/** Lets the receive buffers of bulk transfers grow. Bun does not tell the descriptors of connections of `node:net`. */
export class ReceiveBuffers {
  readonly #libc: Pick<Libc, "freeReceiveBuffersOf">;
  readonly #waiting = new Set<ConnectionEnds>();
  #scanning = false;

  constructor(libc: Pick<Libc, "freeReceiveBuffersOf">) {
    this.#libc = libc;
  }

  /** Lets that of a connection grow, soon. */
  free(connection: ConnectionEnds): void {
    this.#waiting.add(connection);
    if (this.#scanning) return;
    this.#scanning = true;
    setTimeout(() => this.#scan(), SCAN_MS);
  }

  #scan(): void {
    this.#scanning = false;
    this.#libc.freeReceiveBuffersOf([...this.#waiting]);
    this.#waiting.clear();
  }
}
