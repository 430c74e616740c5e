import { ROOT } from "../../../scripts/reference/inventory.ts";
import { startCommand } from "../../../scripts/start_task.ts";
import { PATIENCE_MS } from "../wait.ts";
import { binaryUnderTest, slowness } from "./binary_under_test.ts";

/**
 * Returns the command that runs the program, without arguments: from source, or the binary that TLS_OFF_BIN names.
 * @param main the module to run, where a test has one that wraps the program
 */
export function programCommand(main = "src/main.ts"): string[] {
  const binary = main === "src/main.ts" ? binaryUnderTest() : null;
  return binary?.command ?? sourceCommand(main);
}

/** The command that runs a module of the program's source, on Deno. */
export function sourceCommand(main: string): string[] {
  // The command has the permissions and the environment that the program ships with, so that a test sees what users
  // see.
  const { environment, lock, flags } = startCommand();
  const settings = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  const locked = lock.map((flag) => flag.replace("--lock=", `--lock=${ROOT}`));
  return ["env", ...settings, Deno.execPath(), "run", ...locked, ...flags, `${ROOT}${main}`];
}

/** A record of the program's JSON log. */
export type LogRecord = Record<string, unknown> & { event?: string; msg: string };

/** The program as a child process, its log read as it comes. */
export class Program {
  readonly child: Deno.ChildProcess;
  readonly records: LogRecord[] = [];
  /** Lines of stderr that are no records. */
  readonly complaints: string[] = [];
  stdout = "";
  readonly #reading: Promise<unknown>;
  #wake: () => void = () => {};
  #ended = false;

  /**
   * @param openFiles limit of open files (`ulimit -n`); default: that of the test
   * @param command the command that runs the program; default: {@linkcode programCommand}
   * @param prefix a command that then runs another one in its place, such as `nsenter`
   */
  constructor(
    args: string[],
    options: {
      openFiles?: number;
      env?: Record<string, string>;
      cwd?: string;
      main?: string;
      command?: string[];
      prefix?: string[];
    } = {},
  ) {
    const program = options.command ?? programCommand(options.main);
    const command = [...(options.prefix ?? []), ...program, ...args];
    const [file, ...rest] = options.openFiles === undefined
      ? command
      : ["sh", "-c", `ulimit -n ${options.openFiles} && exec "$@"`, "sh", ...command];
    this.child = new Deno.Command(file, {
      args: rest,
      env: { NO_COLOR: "1", ...options.env },
      cwd: options.cwd,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#reading = Promise.all([
      this.#lines(this.child.stderr, (line) => this.#logged(line)),
      this.#lines(this.child.stdout, (line) => this.stdout += `${line}\n`),
    ]).then(() => {
      this.#ended = true;
      this.#wake();
    });
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Waits for the first record that `matches`, among those before the call, too. */
  async record(
    matches: (record: LogRecord) => boolean,
    what = "a log record",
    timeoutMs = PATIENCE_MS * slowness(),
  ): Promise<LogRecord> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const found = this.records.find(matches);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`Program ended without ${what}: ${this.#said()}`);
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`No ${what} within ${timeoutMs} ms: ${this.#said()}`);
      await this.#change(left);
    }
  }

  /** The records of closed connections so far. */
  connections(): LogRecord[] {
    return this.records.filter(({ event }) => event === "connection");
  }

  signal(signal: Deno.Signal): void {
    this.child.kill(signal);
  }

  /** @throws {Error} with the last output of the program, when it has ended */
  assertRunning(): void {
    if (this.#ended) throw new Error(`Program ended: ${this.#said()}`);
  }

  /** Waits for the end of the process and of its output. */
  async exit(timeoutMs = 20_000 * slowness()): Promise<number> {
    const timer = setTimeout(() => this.child.kill("SIGKILL"), timeoutMs);
    const { code } = await this.child.status;
    clearTimeout(timer);
    await this.#reading;
    return code;
  }

  /** Open descriptors of the process. */
  fds(): number {
    return [...Deno.readDirSync(`/proc/${this.pid}/fd`)].length;
  }

  /** Resident memory of the process that is not shared, in KiB. */
  rssKiB(): number {
    return Number(/RssAnon:\s+(\d+)/.exec(Deno.readTextFileSync(`/proc/${this.pid}/status`))?.[1]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.exit();
  }

  #said(): string {
    return JSON.stringify([...this.complaints, ...this.records.slice(-5)]);
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #logged(line: string): void {
    try {
      this.records.push(JSON.parse(line));
    } catch {
      this.complaints.push(line);
    }
    this.#wake();
  }

  async #lines(stream: ReadableStream<Uint8Array>, take: (line: string) => void): Promise<void> {
    let rest = "";
    const decoder = new TextDecoder();
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      lines.forEach(take);
    }
    if (rest !== "") take(rest);
  }
}

/** Runs the program to its end. */
export async function runProgram(
  args: string[],
  options: ConstructorParameters<typeof Program>[1] = {},
): Promise<{ code: number; stdout: string; complaints: string[]; records: LogRecord[] }> {
  await using program = new Program(args, options);
  const code = await program.exit();
  return { code, stdout: program.stdout, complaints: program.complaints, records: program.records };
}
