import { stat } from "node:fs/promises";

/** How often the files are looked at. */
const POLL_MS = 1_000;
/** At most so much of the time is spent on looking: with very many files they are looked at less often. */
const SHARE = 50;

/**
 * Watches files by looking at them: a path is followed to whatever it leads to now, so that swapped symlinks show (Kubernetes
 * swaps that of a directory, certbot that of the file), on network file systems as well.
 */
export class FileWatch {
  readonly #changed: () => Promise<unknown>;
  #files: string[] = [];
  /** What was there when it was last acted on. */
  #known = "";
  /** What was there when it was last looked at. */
  #seen = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;
  readonly #pollMs: number;

  /** @param changed called when a change has come to rest: it looks the same twice in a row */
  constructor(changed: () => Promise<unknown>, pollMs = POLL_MS) {
    this.#changed = changed;
    this.#pollMs = pollMs;
  }

  /**
   * Watches these files from now on, none to stop.
   * @param loaded their {@linkcode fingerprint} from before they were loaded: what has changed since then has changed
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
      // Also where that fails: the same wrong files need no second look, and what is written further changes them again.
      this.#known = now;
      await this.#changed();
      if (files !== this.#files) return;
    }
    this.#schedule(Math.max(this.#pollMs, tookMs * SHARE));
  }
}

/** What can be seen of files without reading them; it changes with any of them. */
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
