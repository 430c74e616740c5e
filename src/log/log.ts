/** The program's own logger: structured records, by way of `@std/log`, to where the configuration says. */
import { Logger } from "@std/log";
import type { LogConfig, LogLevel } from "../config/config.ts";
import { openStderr, type Output } from "../files/output.ts";
import type { Fields } from "./fields.ts";
import { LineWriter } from "./line_writer.ts";
import { LEVEL_NAMES, type LogTarget, type LogWorld, openLogTarget } from "./log_target.ts";

/** What the rest of the program needs of a logger. `fields.event` names the kind of the record. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
  /** Whether records of that level go anywhere; spares the making of expensive fields. */
  enabled(level: LogLevel): boolean;
}

/** A logger with its outputs. */
export interface RootLog extends Log {
  /** Records lost since the start, in no place at all: no output took them in time. */
  readonly dropped: number;
  /** Records that went to standard error since the start because their own place did not take them. */
  readonly diverted: number;
  /** Whether records go to standard error in any case. */
  readonly onStderr: boolean;
  /**
   * Goes on as another configuration says.
   * @throws {Error} when its file cannot be opened; the old one stays
   */
  configure(config: LogConfig): void;
  /** Opens the log file anew, after somebody moved it (SIGUSR1). */
  reopen(): void;
  /** Writes what is queued, for a second or two at most, and closes. */
  close(): Promise<void>;
}

/** Options of {@linkcode createLogger}. */
export interface LoggerOptions extends LogWorld {
  stderr?: Output;
}

const LEVELS: LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * A logger as configured. Logging never blocks and never throws: what the output does not take is counted, and said.
 * @throws {Error} when the log file cannot be opened
 */
export function createLogger(config: LogConfig, options: LoggerOptions = {}): RootLog {
  return new TargetLog(config, options);
}

class TargetLog implements RootLog {
  readonly #stderr: LineWriter;
  #target: LogTarget;
  #logger: Logger;
  #lowest: number;
  /** Of targets that were replaced. */
  #dropped = 0;
  #diverted = 0;

  constructor(config: LogConfig, private readonly options: LoggerOptions) {
    this.#stderr = new LineWriter(options.stderr ?? openStderr(), {
      onRecovered: (dropped) => this.warn("log records were dropped", { event: "log-dropped", dropped }),
    });
    ({ target: this.#target, logger: this.#logger } = this.#open(config));
    this.#lowest = LEVELS.indexOf(config.level);
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
    return LEVELS.indexOf(level) >= this.#lowest;
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
    this.#lowest = LEVELS.indexOf(config.level);
    void old.close().then(() => {
      this.#dropped += old.dropped;
      this.#diverted += old.diverted;
    });
  }

  reopen(): void {
    // The record is the write that opens it.
    if (this.#target.reopen()) this.info("log file opened anew", { event: "log-reopen" });
  }

  async close(): Promise<void> {
    await this.#target.close();
    await this.#stderr.close();
  }

  #open(config: LogConfig): { target: LogTarget; logger: Logger } {
    const warn = (message: string, fields: Fields) => this.warn(message, fields);
    const target = openLogTarget(config, this.#stderr, warn, this.options);
    return { target, logger: new Logger("tls-off", LEVEL_NAMES[config.level], { handlers: [target.handler] }) };
  }
}
