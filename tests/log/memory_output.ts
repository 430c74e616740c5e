import type { Output } from "../../src/files/output.ts";

const decoder = new TextDecoder();

/** An output that keeps what it was given, and stops or fails where a test says so. */
export class MemoryOutput implements Output {
  text = "";
  closed = false;
  /** Thrown by the next writes while set. */
  failure: Error | null = null;
  #gate: PromiseWithResolvers<void> | null = null;

  /** Lets no write finish until {@linkcode release}. */
  hold(): void {
    this.#gate = Promise.withResolvers<void>();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#gate?.promise;
    if (this.failure) throw this.failure;
    // Half of it, so that callers must cope with partial writes.
    const count = Math.ceil(bytes.length / 2);
    this.text += decoder.decode(bytes.subarray(0, count), { stream: true });
    return count;
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }
}
