/** The program's logger: structured records, by way of `@std/log`, to the place that the configuration names. */
import { Logger } from "@std/log";
import type { LogConfig, LogLevel } from "../config/config.ts";
import { openStderr, type Output } from "../files/output.ts";
import type { Fields } from "./fields.ts";
import { LineWriter } from "./line_writer.ts";
import { isLogged, LEVEL_NAMES } from "./levels.ts";
import type { LogTarget } from "./log_target.ts";
import { type LogWorld, openLogTarget } from "./open_log_target.ts";

/** A logger as the rest of the program sees it. `fields.event` names the kind of a record. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** Whether records of that level are written, so that expensive fields are made only for those. */
  enabled(level: LogLevel): boolean;
}

/** A logger with its outputs. */
export interface RootLog extends Log {
  /** Records lost since the start, because no output took them in time. */
  readonly dropped: number;
  /** Records that went to standard error since the start because their own place did not take them. */
  readonly diverted: number;
  /** Whether records go to standard error in any case. */
  readonly onStderr: boolean;
  /**
   * Follows another configuration from now on.
   * @throws {Error} when its file cannot be opened; then the old configuration stays
   */
  configure(config: LogConfig): void;
  /** Opens the log file anew, after another program has moved it (SIGUSR1). */
  reopen(): void;
  /** Resolves when what is queued for standard error is written, or after a second. */
  flush(): Promise<void>;
  /** Writes what is queued, for a second or two at most, and closes. */
  close(): Promise<void>;
}

/** Options of {@linkcode createLogger}. */
interface LoggerOptions extends LogWorld {
  stderr?: Output;
}

/**
 * Makes a logger as configured. Logging never blocks and never throws: records that the output does not take are
 * counted, and a later record says how many they were.
 * @throws {Error} when the log file cannot be opened
 */
export function createLogger(config: LogConfig, options: LoggerOptions = {}): RootLog {
  return new TargetLog(config, options);
}

class TargetLog implements RootLog {
  readonly #stderr: LineWriter;
  #target: LogTarget;
  #logger: Logger;
  #level: LogLevel;
  /** Counts of the targets that were replaced. */
  #dropped = 0;
  #diverted = 0;

  constructor(config: LogConfig, private readonly options: LoggerOptions) {
    this.#stderr = new LineWriter(options.stderr ?? openStderr(), {
      onRecovered: (dropped) => this.warn("log records were dropped", { event: "log-dropped", dropped }),
    });
    ({ target: this.#target, logger: this.#logger } = this.#open(config));
    this.#level = config.level;
  }

  debug(message: string, fields: Fields = {}): void {
    this.#logger.debug(message, fields);
  }

  info(message: string, fields: Fields = {}): void {
    this.#logger.info(message, fields);
  }

  warn(message: string, fields: Fields = {}): void {
    this.#logger.warn(message, fields);
  }

  error(message: string, fields: Fields = {}): void {
    this.#logger.error(message, fields);
  }

  enabled(level: LogLevel): boolean {
    return isLogged(level, this.#level);
  }

  get dropped(): number {
    return this.#dropped + this.#target.dropped + this.#stderr.dropped;
  }

  get diverted(): number {
    return this.#diverted + this.#target.diverted;
  }

  get onStderr(): boolean {
    return this.#target.onStderr;
  }

  configure(config: LogConfig): void {
    const old = this.#target;
    ({ target: this.#target, logger: this.#logger } = this.#open(config));
    this.#level = config.level;
    void old.close().then(() => {
      this.#dropped += old.dropped;
      this.#diverted += old.diverted;
    });
  }

  reopen(): void {
    // The file is opened by the next write, which is this record.
    if (this.#target.reopen()) this.info("log file opened anew", { event: "log-reopen" });
  }

  flush(): Promise<void> {
    return this.#stderr.flush(1_000);
  }

  async close(): Promise<void> {
    await this.#target.close();
    await this.#stderr.close();
  }

  #open(config: LogConfig): { target: LogTarget; logger: Logger } {
    const warn = (message: string, fields: Fields) => this.warn(message, fields);
    const target = openLogTarget(config, this.#stderr, warn, this.options);
    return { target, logger: new Logger("tls-off", LEVEL_NAMES[config.level], { handlers: [target] }) };
  }
}
