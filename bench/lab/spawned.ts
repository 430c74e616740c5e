import { processTree } from "../measure/processes.ts";
import { searchPath } from "./tools.ts";

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

/** A process that has ended meanwhile is none to complain about. */
function sendSignal(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/**
 * The shell raises the descriptor limit, opens the log, and becomes the program (as `taskset` does after it): the pid
 * is the program's own. Some programs allocate in proportion to the limit, hence the bound.
 */
const START = `limit=$(ulimit -Hn)
if [ "$limit" = unlimited ] || [ "$limit" -gt 65536 ]; then limit=65536; fi
ulimit -n "$limit"
log=$1
shift
exec "$@" >"$log" 2>&1`;

/** A process of the bench, pinned to CPUs, its output in a file. */
export class Spawned {
  readonly #child: Deno.ChildProcess;
  readonly ended: Promise<Deno.CommandStatus>;
  #status: Deno.CommandStatus | null = null;

  constructor(readonly command: string, readonly args: string[], readonly options: SpawnOptions) {
    const inner = options.pinned ? ["taskset", "-c", options.cpus, command, ...args] : [command, ...args];
    this.#child = new Deno.Command("sh", {
      args: ["-c", START, "sh", options.log, ...inner],
      cwd: options.cwd,
      env: { NO_COLOR: "1", PATH: searchPath(), ...options.env },
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

  /** Sends it a signal, if it still runs. */
  signal(signal: Deno.Signal): void {
    if (this.running) sendSignal(this.pid, signal);
  }

  /** Ends it and its descendants: SIGTERM, then SIGKILL after two seconds. */
  async stop(): Promise<void> {
    const pids = await processTree(this.pid);
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      for (const pid of pids) sendSignal(pid, signal);
      const timeout = Promise.withResolvers<void>();
      const timer = setTimeout(timeout.resolve, 2000);
      await Promise.race([this.ended, timeout.promise]);
      clearTimeout(timer);
      if (!this.running) return;
    }
  }
}
