import { runtimeName } from "../runtimes/name.ts";
import { openLibrary } from "./open_library.ts";
import { Libc } from "./libc.ts";
import { LIBC_PATHS } from "./libc_paths.ts";

const AF_INET = 2;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;

/** Where Deno's debugger listens; there is no option for it. */
const DEBUGGER = { transport: "tcp", hostname: "127.0.0.1", port: 9229 } as const;
/** How long the port is held: Deno tries once, in the turn of the signal. */
const HELD_MS = 1_000;
const LOOK_MS = 200;

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  dup2: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * Keeps Deno's debugger shut. Since 2.9.2 Deno opens it at each SIGUSR1, whoever else listens for that signal, and no option or
 * permission is against it: every user of the machine could then run code in the process that has the private keys. It gives up where
 * its port is taken.
 */
export class DebuggerGuard {
  readonly #libc = openLibrary(LIBC_PATHS, SYMBOLS);
  readonly #sockets = new Libc();
  /** Somebody wants to debug this program: it was told to listen from the start. */
  readonly #wanted = this.#listeners().length > 0;
  #held: number | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Takes the debugger's port for a moment; to be called first by whoever hears of the signal. */
  shut(): void {
    if (this.#wanted) return;
    this.#hold();
    // Deno opens it in a thread of its own, which may have been quicker, or may have come no further than to take the port.
    this.#end();
    clearInterval(this.#timer);
    const until = performance.now() + HELD_MS;
    this.#timer = setInterval(() => {
      this.#end();
      if (performance.now() >= until) this.#release();
    }, LOOK_MS);
    Deno.unrefTimer(Number(this.#timer));
  }

  /** Takes the port; where that cannot be had, somebody else has it, and Deno cannot either. */
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

  /** Ends the debugger where it was quicker: another socket, on which nothing ever comes, takes the place of the one that it listens on. */
  #end(): void {
    for (const fd of this.#listeners()) {
      // Shut down or closed under it, Deno would try to accept for ever, and say so each time.
      const silent = this.#libc.socket(AF_INET, SOCK_STREAM_CLOEXEC, 0);
      this.#libc.dup2(silent, fd);
      this.#libc.close(silent);
    }
  }

  #listeners(): number[] {
    return this.#sockets.openFds().filter((fd) => this.#sockets.listensOn(fd, DEBUGGER));
  }
}

/** The guard where it is needed. */
export function openDebuggerGuard(): DebuggerGuard | null {
  return runtimeName() === "deno" ? new DebuggerGuard() : null;
}
