/** Something wrong, or doubtful, with the configuration. */
export interface Problem {
  severity: "error" | "warning";
  /** The file as it was named on the command line; `null` where a flag is at fault, or there is no file. */
  file: string | null;
  /** The line, from 1; 0 where no position in the file is meant. */
  line: number;
  /** The column in UTF-16 units, from 1; 0 where no position in the file is meant. */
  column: number;
  /** The dotted path, such as `listener.engine`, or a flag, such as `--engine`; "" where none is meant. */
  key: string;
  /** The value found, and what is allowed. */
  message: string;
}

/**
 * Writes a problem as one line.
 *
 * @example
 * ```ts
 * formatProblem(problem); // `proxy.toml:3:1: listener.engine: found "fast", must be one of "auto", "native", "node"`
 * ```
 */
export function formatProblem(problem: Problem): string {
  const { severity, file, line, column, key, message } = problem;
  const place = file === null ? [] : line === 0 ? [file] : [`${file}:${line}:${column}`];
  const words = [...place, ...(severity === "warning" ? ["warning"] : []), ...(key === "" ? [] : [key]), message];
  return words.join(": ");
}

/** Compares problems for sorting: those of flags first, then in the order of the file. */
export function compareProblems(a: Problem, b: Problem): number {
  return Number(a.file !== null) - Number(b.file !== null) || a.line - b.line || a.column - b.column;
}

/** Thrown where a configuration made in code is wrong. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  constructor(readonly problems: readonly Problem[]) {
    super(problems.map(formatProblem).join("\n"));
  }
}
