/** Lines on their way to an {@linkcode Output}: queued without blocking, bounded, and nothing lost uncounted. */
import type { Output } from "../files/output.ts";

/** Options of {@linkcode LineWriter}. */
interface LineWriterOptions {
  /** Bytes (as UTF-16 units) that may wait; what comes beyond is dropped and counted. Default 4 MiB. */
  limit?: number;
  /** Bytes (likewise) of lines handed to one write; a longer line goes alone. Default 256 KiB. */
  batch?: number;
  /** Called once the sink takes lines again, with the number dropped meanwhile. */
  onRecovered?: (dropped: number) => void;
  /** Called after each write. */
  onWritten?: () => void;
  /** Called when a write failed, with the lines not written; without it they are dropped. */
  onFailure?: (error: Error, lines: string[]) => void;
}

/** Wait after a failed write. */
const RETRY_MS = 1_000;
/** Wait where a non-blocking pipe is full. */
const FULL_MS = 20;

const encoder = new TextEncoder();

/** A bounded queue of lines with one write under way at a time. */
export class LineWriter {
  /** Lines dropped since the start. */
  dropped = 0;
  #unreported = 0;
  #lines: string[] = [];
  #size = 0;
  #pump: Promise<void> | null = null;
  #closed = false;
  /** Bytes that the write under way has brought out. */
  #written = 0;
  /** The last line brought out is not whole. */
  #torn = false;
  readonly #limit: number;
  readonly #batch: number;

  constructor(readonly output: Output, private readonly options: LineWriterOptions = {}) {
    this.#limit = options.limit ?? 4 * 1024 * 1024;
    this.#batch = options.batch ?? 256 * 1024;
  }

  /** Queues a line; the newline is added here. Returns false where it was dropped. */
  push(line: string): boolean {
    if (this.#closed || this.#size + line.length > this.#limit) {
      this.#drop(1);
      return false;
    }
    this.#lines.push(line);
    this.#size += line.length + 1;
    // Lines of the same turn go out in one write.
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
      // What is left of a torn line must not take the next one with it.
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

  /** The lines that a failed write did not bring out whole. */
  #notWritten(batch: string[]): string[] {
    const endsTorn = this.#torn;
    let left = this.#written;
    let whole = 0;
    for (; whole < batch.length; whole++) {
      const length = encoder.encode(batch[whole]).length;
      if (length > left) break;
      // Only its newline may be missing, which then comes in front of the next one.
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
