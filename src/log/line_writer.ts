/** Queues lines for an {@linkcode Output}, without blocking and within bounds. Lines that are lost are counted. */
import type { Output } from "../files/output.ts";

/** Options of {@linkcode LineWriter}. */
interface LineWriterOptions {
  /** UTF-16 units that may wait; lines beyond that are dropped and counted. Default: 4 Mi. */
  limit?: number;
  /** UTF-16 units of the lines that are handed to one write; a longer line is written alone. Default: 256 Ki. */
  batch?: number;
  /** Called when the output takes lines again, with the number of those dropped meanwhile. */
  onRecovered?: (dropped: number) => void;
  /** Called after each write. */
  onWritten?: () => void;
  /** Called when a write failed, with the lines that were not written. Without this function they are dropped. */
  onFailure?: (error: Error, lines: string[]) => void;
}

/** The pause after a failed write. */
const RETRY_MS = 1_000;
/** The pause where a non-blocking pipe is full. */
const FULL_MS = 20;

const encoder = new TextEncoder();

/** A bounded queue of lines, of which one write at a time takes as many as fit. */
export class LineWriter {
  /** Lines dropped since the start. */
  dropped = 0;
  #unreported = 0;
  #lines: string[] = [];
  #size = 0;
  #pump: Promise<void> | null = null;
  #closed = false;
  /** Bytes that the present write has written so far. */
  #written = 0;
  /** Whether the last line in the output is incomplete. */
  #torn = false;
  readonly #limit: number;
  readonly #batch: number;

  constructor(readonly output: Output, private readonly options: LineWriterOptions = {}) {
    this.#limit = options.limit ?? 4 * 1024 * 1024;
    this.#batch = options.batch ?? 256 * 1024;
  }

  /** Queues a line, to which the newline is added. Returns false where the line was dropped. */
  push(line: string): boolean {
    if (this.#closed || this.#size + line.length > this.#limit) {
      this.#drop(1);
      return false;
    }
    this.#lines.push(line);
    this.#size += line.length + 1;
    // Lines of the same turn of the event loop share one write.
    this.#pump ??= Promise.resolve().then(() => this.#run());
    return true;
  }

  /** Resolves when everything queued is written or dropped, or after `timeoutMs`. */
  async flush(timeoutMs: number): Promise<void> {
    if (!this.#pump) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    await Promise.race([this.#pump, timeout]);
    clearTimeout(timer);
  }

  /** Flushes and closes the output. */
  async close(timeoutMs = 1_000): Promise<void> {
    await this.flush(timeoutMs);
    this.#closed = true;
    this.#drop(this.#lines.length);
    this.#lines = [];
    await this.output.close();
  }

  #drop(count: number): void {
    this.dropped += count;
    this.#unreported += count;
  }

  async #run(): Promise<void> {
    while (this.#lines.length > 0 && !this.#closed) {
      const batch = this.#take();
      // The next line must not continue an incomplete one.
      if (this.#torn) batch.unshift("");
      try {
        await this.#write(encoder.encode(batch.join("\n") + "\n"));
        this.#torn = false;
      } catch (cause) {
        const error = cause instanceof Error ? cause : new Error(String(cause));
        const lost = this.#notWritten(batch);
        if (this.options.onFailure) this.options.onFailure(error, lost);
        else this.#drop(lost.length);
        await sleep(RETRY_MS);
        continue;
      }
      this.options.onWritten?.();
      if (this.#unreported > 0) {
        const count = this.#unreported;
        this.#unreported = 0;
        this.options.onRecovered?.(count);
      }
    }
    this.#pump = null;
  }

  #take(): string[] {
    let end = 1;
    let size = this.#lines[0].length + 1;
    while (end < this.#lines.length && size + this.#lines[end].length < this.#batch) {
      size += this.#lines[end++].length + 1;
    }
    this.#size -= size;
    return this.#lines.splice(0, end);
  }

  /** The lines that a failed write did not write completely. */
  #notWritten(batch: string[]): string[] {
    const endsTorn = this.#torn;
    let left = this.#written;
    let whole = 0;
    for (; whole < batch.length; whole++) {
      const length = encoder.encode(batch[whole]).length;
      if (length > left) break;
      // Its newline alone may be missing, which the next write then begins with.
      left -= length + 1;
    }
    if (this.#written > 0) this.#torn = left !== 0;
    return batch.slice(endsTorn ? Math.max(1, whole) : whole);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#written = 0;
    while (bytes.length > 0) {
      try {
        const count = await this.output.write(bytes);
        this.#written += count;
        bytes = bytes.subarray(count);
      } catch (error) {
        if (!isFull(error) || this.#closed) throw error;
        await sleep(FULL_MS);
      }
    }
  }
}

/** Another process may have made the shared pipe non-blocking. */
function isFull(error: unknown): boolean {
  return error instanceof Error &&
    ((error as { code?: string }).code === "EAGAIN" || error.name === "WouldBlock");
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
