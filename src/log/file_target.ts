import { BaseHandler, type FormatterFunction, type LevelName } from "@std/log";
import type { LogConfig } from "../config/config.ts";
import { RotatingFile } from "../files/rotating_file.ts";
import { LineWriter } from "./line_writer.ts";
import type { LogTarget, Warn } from "./log_target.ts";

/** Most bytes of lines that one write to a file takes. */
const BATCH_BYTES = 64 * 1024;

interface FileTargetOptions {
  levelName: LevelName;
  formatter: FormatterFunction;
  /** Where lines go while the file does not take them. */
  stderr: LineWriter;
  warn: Warn;
}

/** A file as the place for records. Lines that it does not take go to standard error. */
export class FileTarget extends BaseHandler implements LogTarget {
  diverted = 0;
  readonly onStderr = false;
  readonly #file: RotatingFile;
  readonly #writer: LineWriter;
  #failing = false;

  /** @throws {Error} when the file cannot be opened */
  constructor(config: LogConfig, { levelName, formatter, stderr, warn }: FileTargetOptions) {
    super(levelName, { formatter });
    this.#file = open(config);
    this.#writer = new LineWriter(this.#file, {
      batch: config.fileSize > 0 ? Math.min(config.fileSize, BATCH_BYTES) : BATCH_BYTES,
      onFailure: (error, lines) => {
        if (!this.#failing) {
          stderr.push(`tls-off: Cannot write "${config.file}", logging here meanwhile: ${error.message}`);
        }
        this.#failing = true;
        this.diverted += lines.length;
        for (const line of lines) stderr.push(line);
      },
      onWritten: () => {
        if (!this.#failing) return;
        this.#failing = false;
        warn("log file takes records again; those since went to standard error", {
          event: "log-recovered",
          diverted: this.diverted,
        });
      },
      onRecovered: (dropped) => warn("log records were dropped", { event: "log-dropped", dropped }),
    });
  }

  get dropped(): number {
    return this.#writer.dropped;
  }

  override log(line: string): void {
    this.#writer.push(line);
  }

  reopen(): boolean {
    this.#file.reopen();
    return true;
  }

  close(): Promise<void> {
    return this.#writer.close();
  }
}

function open({ file, fileSize, fileCount }: LogConfig): RotatingFile {
  try {
    return new RotatingFile(file, { maxSize: fileSize, keep: fileCount });
  } catch (error) {
    throw new Error(`Cannot open the log file "${file}": ${(error as Error).message}`, { cause: error });
  }
}
