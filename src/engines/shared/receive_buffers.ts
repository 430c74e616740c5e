/**
 * For `native` on Bun, what the kernel may hold of a client's bytes until the connection is known to be a bulk transfer
 * whose reader keeps up. The kernel begins with the same size. Bun reads all that is there at once, up to 512 KiB, and
 * keeps what the application does not take.
 *
 * Each connection is bounded by itself. One that inherits the bound from the listening socket has a window of 128 KiB
 * at most for as long as it lives, since the kernel chooses the window's scale by that (tcp_select_initial_window).
 */
export const FIRST_RECEIVE_BUFFER_BYTES = 64 * 1024;
/**
 * The size from which the receive buffer of a bulk transfer grows. From a small one it grows too slowly: an upload that
 * began with 32 KiB was a quarter dearer to its end. A process may ask for so much by the kernel's default (socket(7),
 * rmem_max).
 */
export const BULK_RECEIVE_BUFFER_BYTES = 200 * 1024;
/** A connection that has brought fewer bytes has the receive buffer that the kernel began with. */
export const FIRST_BYTES = 16 * 1024;
/**
 * From here on a transfer is a bulk transfer. A Unix socket takes 208 KiB for an application that reads nothing, and the
 * chunk that is written then was taken from the kernel before: with 256 KiB stalled uploads counted as bulk transfers.
 */
export const BULK_BYTES = 384 * 1024;
