/** Where records go, as configured: standard error, a file, or the journal. */
import { fstatSync } from "node:fs";
import process from "node:process";
import type { LogConfig, LogFormat } from "../config/config.ts";
import { openJournal } from "../systemd/journal.ts";
import type { JournalSocket } from "../systemd/journal_socket.ts";
import { readEnvironment } from "../runtimes/environment.ts";
import { FileTarget } from "./file_target.ts";
import { formatJson } from "./format_json.ts";
import { textFormatter } from "./format_text.ts";
import { JournalTarget } from "./journal_target.ts";
import { LEVEL_NAMES } from "./levels.ts";
import type { LineWriter } from "./line_writer.ts";
import type { LogTarget, Warn } from "./log_target.ts";
import { StderrTarget } from "./stderr_target.ts";

/** The outside world of a logger; the default of each is the real one. */
export interface LogWorld {
  /** Whether standard error is a terminal. */
  terminal?: boolean;
  /** Reads an environment variable. */
  environment?: (name: string) => string | undefined;
  /** Opens the journal's socket. */
  journal?: () => JournalSocket;
  /** The journal's clock, in milliseconds. */
  nowMs?: () => number;
}

/**
 * Opens the configured place.
 * @param stderr the queue of standard error, which outlives the target
 * @throws {Error} when the log file cannot be opened
 */
export function openLogTarget(config: LogConfig, stderr: LineWriter, warn: Warn, world: LogWorld = {}): LogTarget {
  const terminal = world.terminal ?? process.stderr.isTTY === true;
  const environment = world.environment ?? readEnvironment;
  const levelName = LEVEL_NAMES[config.level];
  const format = chooseFormat(config, terminal, environment);
  if (config.file !== "") {
    if (format === "journald") {
      throw new Error(`Cannot log to "${config.file}": format "journald" goes to the journal, use "text" or "json"`);
    }
    const formatter = format === "text" ? textFormatter(false) : formatJson;
    return new FileTarget(config, { levelName, formatter, stderr, warn });
  }
  // https://no-color.org: a variable that is set and not empty turns colours off.
  const formatter = format === "json" ? formatJson : textFormatter(terminal && !environment("NO_COLOR"));
  const onStderr = new StderrTarget(levelName, formatter, stderr);
  if (format !== "journald") return onStderr;
  return new JournalTarget(levelName, (world.journal ?? openJournal)(), {
    fallback: onStderr,
    nowMs: world.nowMs,
    onLost: (error) => {
      stderr.push(`tls-off: Cannot reach the journal, logging here meanwhile: ${error.message}`);
    },
    onRecovered: (diverted) =>
      warn("journal takes records again; those since went to standard error", { event: "journal-recovered", diverted }),
  });
}

/** Chooses for `auto`: journald where standard error is the journal, text on a terminal, else JSON. */
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
