import { openLibrary } from "../../linux/open_library.ts";
import { LIBC_PATHS } from "../../linux/libc_paths.ts";

const POLLIN = 1;
/** A closed listener is noticed by then. */
const POLL_MS = 250;

let library: ReturnType<typeof open> | null = null;

function open() {
  return openLibrary(LIBC_PATHS, {
    poll: { parameters: ["buffer", "u64", "i32"], result: "i32", nonblocking: true },
  });
}

/**
 * Waits for a connection on a listening socket without accepting it (poll(2)), on a thread that the runtime keeps for what
 * blocks: Deno has no call for it.
 * @returns whether there is one; `false` after a moment
 */
export async function waitForConnection(fd: number): Promise<boolean> {
  library ??= open();
  // struct pollfd: the descriptor, and the events asked for in the lower half of the second word.
  return await library.poll(new Int32Array([fd, POLLIN]), 1n, POLL_MS) > 0;
}
