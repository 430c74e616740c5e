import { runtimeName } from "../runtimes/name.ts";
import { openLibrary } from "./open_library.ts";
import { Libc } from "./libc.ts";
import { LIBC_PATHS } from "./libc_paths.ts";

const AF_INET = 2;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;

/** The address of Deno's debugger, which cannot be configured. */
const DEBUGGER = { transport: "tcp", hostname: "127.0.0.1", port: 9229 } as const;
/** How long the port is held. Deno tries to bind it once, right after the signal. */
const HELD_MS = 1_000;
const LOOK_MS = 200;

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * Keeps Deno's debugger closed. Since 2.9.2 Deno opens it at each SIGUSR1, even if the program listens for that signal,
 * and no option or permission prevents it. Every user of the machine could then run code in the process that has the
 * private keys. Deno gives up where the port is taken.
 */
export class DebuggerGuard {
  readonly #libc = openLibrary(LIBC_PATHS, SYMBOLS);
  readonly #sockets = new Libc();
  /** Whether the debugger was listening from the start, because someone wants to debug the program. */
  readonly #wanted = this.#listeners().length > 0;
  #held: number | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * Takes the debugger's port for a moment. The handler of the signal has to call it first.
   * @param served where this program listens itself: on the debugger's address there can be no debugger then
   */
  shut(served: readonly string[] = []): void {
    if (this.#wanted || served.includes(`${DEBUGGER.hostname}:${DEBUGGER.port}`)) return;
    this.#hold();
    // Deno opens it in a thread of its own, which may have been quicker, or may have bound the port and not yet
    // listened.
    this.#end();
    clearInterval(this.#timer);
    const until = performance.now() + HELD_MS;
    this.#timer = setInterval(() => {
      this.#end();
      if (performance.now() >= until) this.#release();
    }, LOOK_MS);
    Deno.unrefTimer(Number(this.#timer));
  }

  /** Binds the port. Where another program has it, Deno cannot bind it either. */
  #hold(): void {
    if (this.#held !== null) return;
    const fd = this.#libc.socket(AF_INET, SOCK_STREAM_CLOEXEC, 0);
    // struct sockaddr_in (ip(7)).
    const { port, hostname } = DEBUGGER;
    const address = Uint8Array.of(AF_INET, 0, port >> 8, port & 0xff, ...hostname.split(".").map(Number), ...Array(8));
    if (this.#libc.bind(fd, address, address.length) === 0) this.#held = fd;
    else this.#libc.close(fd);
  }

  #release(): void {
    clearInterval(this.#timer);
    if (this.#held !== null) this.#libc.close(this.#held);
    this.#held = null;
  }

  /** Ends a debugger that was quicker: its listening socket is replaced by one that nothing ever connects to. */
  #end(): void {
    for (const fd of this.#listeners()) {
      // If the socket were shut down or closed, Deno would try to accept for ever and print an error each time.
      const silent = this.#libc.socket(AF_INET, SOCK_STREAM_CLOEXEC, 0);
      this.#libc.dup2(silent, fd);
      this.#libc.close(silent);
    }
  }

  #listeners(): number[] {
    return this.#sockets.openFds().filter((fd) => this.#sockets.listensOn(fd, DEBUGGER));
  }
}

/** Opens the guard where there is such a debugger: in the command `deno`, not in what `deno compile` makes. */
export function openDebuggerGuard(): DebuggerGuard | null {
  return runtimeName() === "deno" && !Deno.build.standalone ? new DebuggerGuard() : null;
}
