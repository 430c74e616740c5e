/** The program's own logger: structured records, by way of `@std/log`, to where the configuration says. */
import { type BaseHandler, type LevelName, Logger } from "@std/log";
import process from "node:process";
import type { LogConfig, LogFormat, LogLevel } from "../config/config.ts";
import { openStderr, type Output } from "../runtime/output.ts";
import { readEnvironment } from "./environment.ts";
import type { Fields } from "./fields.ts";
import { formatJson } from "./format_json.ts";
import { textFormatter } from "./format_text.ts";
import { LineHandler } from "./line_handler.ts";
import { LineWriter } from "./line_writer.ts";

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
  /** Records lost since the start: the output did not take them in time. */
  readonly dropped: number;
  /** Writes what is queued, for a second at most, and closes. */
  close(): Promise<void>;
}

/** The outside world of {@linkcode createLogger}; each has the real one as its default. */
export interface LoggerOptions {
  stderr?: Output;
  /** Whether standard error is a terminal. */
  terminal?: boolean;
  environment?: (name: string) => string | undefined;
}

const LEVEL_NAMES: Record<LogLevel, LevelName> = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR" };
const LEVELS: LogLevel[] = ["debug", "info", "warn", "error"];

/** A logger as configured. It never blocks and never throws: what its output does not take is counted. */
export function createLogger(config: LogConfig, options: LoggerOptions = {}): RootLog {
  const terminal = options.terminal ?? process.stderr.isTTY === true;
  const environment = options.environment ?? readEnvironment;
  const writer = new LineWriter(options.stderr ?? openStderr(), {
    onRecovered: (dropped) => log.warn("log records were dropped", { event: "log-dropped", dropped }),
  });
  const formatter = chooseFormat(config.format, terminal) === "text"
    // https://no-color.org: set and not empty
    ? textFormatter(terminal && !environment("NO_COLOR"))
    : formatJson;
  const handler = new LineHandler(LEVEL_NAMES[config.level], formatter, writer);
  const log = new HandlerLog(config.level, [handler], {
    dropped: () => writer.dropped,
    close: () => writer.close(),
  });
  return log;
}

function chooseFormat(format: LogFormat, terminal: boolean): "text" | "json" {
  if (format === "auto") return terminal ? "text" : "json";
  return format === "text" ? "text" : "json";
}

class HandlerLog implements RootLog {
  readonly #logger: Logger;
  readonly #lowest: number;

  constructor(
    level: LogLevel,
    handlers: BaseHandler[],
    private readonly resources: { dropped(): number; close(): Promise<void> },
  ) {
    this.#logger = new Logger("tls-off", LEVEL_NAMES[level], { handlers });
    this.#lowest = LEVELS.indexOf(level);
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
    return this.resources.dropped();
  }

  close(): Promise<void> {
    return this.resources.close();
  }
}
