import { tellingLine } from "./run_command.ts";

/** A record of the program's log as JSON. */
type LogRecord = Record<string, unknown>;

/** How many characters of its log an error has. */
const LOG_LINES = 5;

/** The program while it serves, its log of JSON lines on standard error read as it comes. */
export class RunningProgram {
  readonly #child: Deno.ChildProcess;
  readonly #timeoutMs: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #reading: Promise<void>;
  #output = "";
  #ended = false;
  #changed = Promise.withResolvers<void>();

  /** @param options as of `Deno.Command`; `timeoutMs` is how long each wait may take */
  constructor(
    [file, ...args]: string[],
    { timeoutMs, ...options }: { cwd: string; clearEnv: boolean; env: Record<string, string>; timeoutMs: number },
  ) {
    this.#timeoutMs = timeoutMs;
    this.#child = new Deno.Command(file, { ...options, args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
    this.#reader = this.#child.stderr.getReader();
    this.#reading = this.#read();
  }

  /** The last lines that it wrote, joined to one. */
  get log(): string {
    return this.#output.trim().split("\n").slice(-LOG_LINES).join(" ");
  }

  /** The most telling line that it wrote. */
  get lastLine(): string {
    return tellingLine(this.#output);
  }

  /**
   * The first record of an event, past or to come.
   * @throws {Error} where the program ends without it, or takes too long
   */
  async event(name: string): Promise<LogRecord> {
    const deadline = performance.now() + this.#timeoutMs;
    for (;;) {
      const found = this.#records().find(({ event }) => event === name);
      if (found !== undefined) return found;
      if (this.#ended) throw new Error(`it ended without the record "${name}": ${this.lastLine}`);
      const isThere = await within(this.#changed.promise, deadline - performance.now());
      if (!isThere) throw new Error(`no record "${name}" within ${this.#timeoutMs} ms: ${this.lastLine}`);
    }
  }

  signal(signal: Deno.Signal): void {
    this.#child.kill(signal);
  }

  /**
   * Waits for its end.
   * @returns the exit code
   * @throws {Error} where it goes on for too long
   */
  async exit(): Promise<number> {
    if (!await within(this.#reading, this.#timeoutMs)) throw new Error(`it did not end within ${this.#timeoutMs} ms`);
    return (await this.#child.status).code;
  }

  /** Ends the program if it still runs. */
  async kill(): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error; // it has ended
    }
    await this.#child.status;
    // A child of the program may go on, and keep the pipe open.
    await this.#reader.cancel();
    await this.#reading;
  }

  #records(): LogRecord[] {
    const lines = this.#output.split("\n").slice(0, -1);
    return lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { value, done } = await this.#reader.read();
      if (done) break;
      this.#output += decoder.decode(value, { stream: true });
      this.#wake();
    }
    this.#ended = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Returns whether something happens in time. */
async function within(happening: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), timeoutMs));
  const isThere = await Promise.race([happening.then(() => true), late]);
  clearTimeout(timer);
  return isThere;
}
