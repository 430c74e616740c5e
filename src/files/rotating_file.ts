import { renameSync, rmSync, statSync } from "node:fs";
import { openAppend, type Output } from "./output.ts";

/** Options of {@linkcode RotatingFile}. */
interface RotatingFileOptions {
  /** Bytes at which the file is rotated; 0 for never. */
  maxSize: number;
  /** How many rotated files are kept, as `path.1` (the newest) to `path.N`. */
  keep: number;
}

/** A file that is appended to, renamed when it grows too large, and opened anew when another program has moved it. */
export class RotatingFile implements Output {
  #file: Output;
  #size: number;
  #reopen = false;

  /** @throws {Error} when the file cannot be opened */
  constructor(readonly path: string, private readonly options: RotatingFileOptions) {
    this.#file = openAppend(path);
    this.#size = statSync(path).size;
  }

  /** Opens the path anew before the next write. */
  reopen(): void {
    this.#reopen = true;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const { maxSize } = this.options;
    if (maxSize > 0 && this.#size > 0 && this.#size + bytes.length > maxSize) {
      this.#shift();
      this.#reopen = true;
    }
    if (this.#reopen) await this.#open();
    const count = await this.#file.write(bytes);
    this.#size += count;
    return count;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #open(): Promise<void> {
    const file = openAppend(this.path);
    await this.#file.close();
    this.#file = file;
    this.#size = statSync(this.path).size;
    this.#reopen = false;
  }

  #shift(): void {
    const { keep } = this.options;
    if (keep === 0) return rmSync(this.path, { force: true });
    for (let number = keep; number > 0; number--) {
      rename(number === 1 ? this.path : `${this.path}.${number - 1}`, `${this.path}.${number}`);
    }
  }
}

/** Renames a file, if there is one. */
function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
  }
}
