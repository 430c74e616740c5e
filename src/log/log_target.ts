/** Where records go, as configured: standard error, a file, or the journal. */
import type { BaseHandler, LevelName } from "@std/log";
import { fstatSync } from "node:fs";
import process from "node:process";
import type { LogConfig, LogFormat, LogLevel } from "../config/config.ts";
import { openJournal } from "../systemd/journal.ts";
import type { JournalSocket } from "../systemd/journal_socket.ts";
import { readEnvironment } from "../runtimes/environment.ts";
import type { Fields } from "./fields.ts";
import { formatJson } from "./format_json.ts";
import { textFormatter } from "./format_text.ts";
import { JournalHandler } from "./journal_handler.ts";
import { LineHandler } from "./line_handler.ts";
import { LineWriter } from "./line_writer.ts";
import { RotatingFile } from "../files/rotating_file.ts";

/** One place for records. */
export interface LogTarget {
  readonly handler: BaseHandler;
  /** Records that were lost, and records that went to standard error because their own place did not take them. */
  readonly dropped: number;
  readonly diverted: number;
  /** Whether it is standard error. */
  readonly onStderr: boolean;
  /** Opens the file anew, if it is one. Returns whether it is. */
  reopen(): boolean;
  close(): Promise<void>;
}

/** The outside world of a logger; each has the real one as its default. */
export interface LogWorld {
  /** Whether standard error is a terminal. */
  terminal?: boolean;
  environment?: (name: string) => string | undefined;
  journal?: () => JournalSocket;
}

/** Says something about the logging itself. */
type Warn = (message: string, fields: Fields) => void;

export const LEVEL_NAMES: Record<LogLevel, LevelName> = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR" };

/** Most lines' bytes that one write to a file takes. */
const FILE_BATCH = 64 * 1024;

/**
 * Opens the configured place.
 * @param stderr standard error's queue, which outlives the target
 * @throws {Error} when the log file cannot be opened
 */
export function openLogTarget(config: LogConfig, stderr: LineWriter, warn: Warn, world: LogWorld = {}): LogTarget {
  const terminal = world.terminal ?? process.stderr.isTTY === true;
  const environment = world.environment ?? readEnvironment;
  const level = LEVEL_NAMES[config.level];
  const format = chooseFormat(config, terminal, environment);
  if (config.file !== "") return openFile(config, format, stderr, warn);
  // https://no-color.org: set and not empty
  const formatter = format === "json" ? formatJson : textFormatter(terminal && !environment("NO_COLOR"));
  const handler = new LineHandler(level, formatter, stderr);
  if (format !== "journald") {
    return { handler, dropped: 0, diverted: 0, onStderr: true, reopen: () => false, close: () => Promise.resolve() };
  }
  const journal = new JournalHandler(level, (world.journal ?? openJournal)(), {
    fallback: handler,
    onLost: (error) => {
      stderr.push(`tls-off: Cannot reach the journal, logging here meanwhile: ${error.message}`);
    },
    onRecovered: (diverted) =>
      warn("journal takes records again; those since went to standard error", { event: "journal-recovered", diverted }),
  });
  return {
    handler: journal,
    dropped: 0,
    onStderr: false,
    get diverted() {
      return journal.diverted;
    },
    reopen: () => false,
    close: () => journal.close(),
  };
}

function openFile(config: LogConfig, format: LogFormat, stderr: LineWriter, warn: Warn): LogTarget {
  if (format === "journald") {
    throw new Error(`Cannot log to "${config.file}": format "journald" goes to the journal, use "text" or "json"`);
  }
  let file: RotatingFile;
  try {
    file = new RotatingFile(config.file, { maxSize: config.fileSize, keep: config.fileCount });
  } catch (error) {
    throw new Error(`Cannot open the log file "${config.file}": ${(error as Error).message}`, { cause: error });
  }
  let failing = false;
  let diverted = 0;
  const writer = new LineWriter(file, {
    batch: config.fileSize > 0 ? Math.min(config.fileSize, FILE_BATCH) : FILE_BATCH,
    onFailure: (error, lines) => {
      if (!failing) stderr.push(`tls-off: Cannot write "${config.file}", logging here meanwhile: ${error.message}`);
      failing = true;
      diverted += lines.length;
      for (const line of lines) stderr.push(line);
    },
    onWritten: () => {
      if (!failing) return;
      failing = false;
      warn("log file takes records again; those since went to standard error", { event: "log-recovered", diverted });
    },
    onRecovered: (dropped) => warn("log records were dropped", { event: "log-dropped", dropped }),
  });
  return {
    handler: new LineHandler(LEVEL_NAMES[config.level], format === "text" ? textFormatter(false) : formatJson, writer),
    onStderr: false,
    get dropped() {
      return writer.dropped;
    },
    get diverted() {
      return diverted;
    },
    reopen() {
      file.reopen();
      return true;
    },
    close: () => writer.close(),
  };
}

/** `auto`: journald if standard error is the journal, text on a terminal, else JSON. */
function chooseFormat(
  config: LogConfig,
  terminal: boolean,
  environment: (name: string) => string | undefined,
): LogFormat {
  if (config.format !== "auto") return config.format;
  if (config.file !== "") return "json";
  if (isJournal(environment("JOURNAL_STREAM"))) return "journald";
  return terminal ? "text" : "json";
}

/** Whether standard error is the `device:inode` that systemd named (systemd.exec(5)). */
function isJournal(stream: string | undefined): boolean {
  if (!stream) return false;
  const { dev, ino } = fstatSync(2, { bigint: true });
  return stream === `${dev}:${ino}`;
}
