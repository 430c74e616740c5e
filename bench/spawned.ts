import { processTree } from "./measure/processes.ts";

export interface SpawnOptions {
  /** CPU list for `taskset -c`. */
  cpus: string;
  cwd?: string;
  env?: Record<string, string>;
  /** Both of its outputs go here; shown when it fails. */
  log: string;
  /** False: run it without `taskset`. */
  pinned?: boolean;
}

/** A process of the bench, pinned to CPUs, its output in a file. */
export class Spawned {
  readonly #child: Deno.ChildProcess;
  readonly ended: Promise<Deno.CommandStatus>;
  #status: Deno.CommandStatus | null = null;

  constructor(readonly command: string, readonly args: string[], readonly options: SpawnOptions) {
    const inner = options.pinned ? ["taskset", "-c", options.cpus, command, ...args] : [command, ...args];
    // The shell opens the log and gives its pid to the program: all pids below are the program's own.
    this.#child = new Deno.Command("sh", {
      args: ["-c", 'log=$1; shift; exec "$@" >"$log" 2>&1', "sh", options.log, ...inner],
      cwd: options.cwd,
      env: { NO_COLOR: "1", ...options.env },
      stdin: "null",
      stdout: "null",
      stderr: "inherit",
    }).spawn();
    this.ended = this.#child.status.then((status) => this.#status = status);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#status === null;
  }

  /** What is known of it for an error message: whether and how it ended, and the last lines it printed. */
  async lastWords(): Promise<string> {
    const text = await Deno.readTextFile(this.options.log).catch(() => "");
    const status = this.#status;
    const state = status === null ? "is running" : `ended with ${status.signal ?? `code ${status.code}`}`;
    return [`${this.command} ${state}`, ...text.trim().split("\n").slice(-8)].join("\n  ");
  }

  /** Ends it and its descendants: SIGTERM, then SIGKILL after two seconds. */
  async stop(): Promise<void> {
    const pids = await processTree(this.pid);
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      for (const pid of pids) {
        try {
          Deno.kill(pid, signal);
        } catch (error) {
          if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
        }
      }
      const timeout = Promise.withResolvers<void>();
      const timer = setTimeout(timeout.resolve, 2000);
      await Promise.race([this.ended, timeout.promise]);
      clearTimeout(timer);
      if (!this.running) return;
    }
  }
}
