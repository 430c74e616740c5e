import { stat } from "node:fs/promises";

/** Milliseconds between two looks at the files. */
const POLL_MS = 1_000;
/** A pause is at least so many times as long as a look took, so that very many files are looked at less often. */
const PAUSE_FACTOR = 50;

/**
 * Watches files by polling. Each look follows a path to what it leads to now, so that swapped symbolic links are
 * noticed (Kubernetes swaps the link of a directory, certbot that of a file), on network file systems, too.
 */
export class FileWatch {
  readonly #changed: () => Promise<unknown>;
  #files: string[] = [];
  /** The fingerprint that was acted on last. */
  #known = "";
  /** The fingerprint of the last look. */
  #seen = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  readonly #pollMs: number;

  /** @param changed called when files have changed and two looks in a row have then seen the same */
  constructor(changed: () => Promise<unknown>, pollMs = POLL_MS) {
    this.#changed = changed;
    this.#pollMs = pollMs;
  }

  /**
   * Watches these files from now on, instead of those before.
   * @param loaded their {@linkcode fingerprint} from before they were loaded, since which any change counts
   */
  watch(files: string[], loaded: string): void {
    this.#known = loaded;
    if (files.join("\n") === this.#files.join("\n")) return;
    this.#files = files;
    this.#seen = loaded;
    this.#schedule(this.#pollMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#stopped || this.#files.length === 0) return;
    this.#timer = setTimeout(() => void this.look(), ms);
  }

  /** Looks at the files now, as it does by itself from time to time. */
  async look(): Promise<void> {
    const startMs = performance.now();
    const files = this.#files;
    const now = await fingerprint(files);
    const tookMs = performance.now() - startMs;
    if (files !== this.#files || this.#stopped) return;
    const isAtRest = now === this.#seen;
    this.#seen = now;
    if (isAtRest && now !== this.#known) {
      // Known even if acting on it fails: the same wrong files would fail again, and mending them is another change.
      this.#known = now;
      await this.#changed();
      if (files !== this.#files) return;
    }
    this.#schedule(Math.max(this.#pollMs, tookMs * PAUSE_FACTOR));
  }
}

/** A text that changes when any of the files does, made of what can be seen without reading them. */
export async function fingerprint(files: string[]): Promise<string> {
  const parts = [];
  for (const file of files) {
    try {
      const { dev, ino, size, mtimeMs, ctimeMs } = await stat(file);
      parts.push([dev, ino, size, mtimeMs, ctimeMs].join(" "));
    } catch (error) {
      parts.push((error as { code?: string }).code ?? "unreadable");
    }
  }
  return parts.join("\n");
}
