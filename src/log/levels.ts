import type { LevelName } from "@std/log";
import type { LogLevel } from "../config/config.ts";

/** The levels of the configuration, from the lowest, as `@std/log` names them. */
export const LEVEL_NAMES: Record<LogLevel, LevelName> = { debug: "DEBUG", info: "INFO", warn: "WARN", error: "ERROR" };

const LEVELS = Object.keys(LEVEL_NAMES) as LogLevel[];

/** Whether records of `level` are logged where `lowest` is the configured level. */
export function isLogged(level: LogLevel, lowest: LogLevel): boolean {
  return LEVELS.indexOf(level) >= LEVELS.indexOf(lowest);
}
