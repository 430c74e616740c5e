import { openLibrary } from "../../linux/open_library.ts";
import { LIBC_PATHS } from "../../linux/libc_paths.ts";

const POLLIN = 1;
/** How long one call waits. A closed listener is noticed after that. */
const POLL_MS = 250;

let library: ReturnType<typeof open> | null = null;

function open() {
  return openLibrary(LIBC_PATHS, {
    poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  });
}

/**
 * Waits for a connection on a listening socket without accepting it (poll(2)), for which Deno has no API. The call is
 * made on a thread that the runtime keeps for blocking calls.
 * @returns whether there is one; `false` after a short time without one
 */
export async function waitForConnection(fd: number): Promise<boolean> {
  library ??= open();
  // struct pollfd: the descriptor, and the events asked for in the lower half of the second word.
  return await library.poll(new Int32Array([fd, POLLIN]), 1n, POLL_MS) > 0;
}
