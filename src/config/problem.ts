import { formatPath, type Path } from "./positions.ts";

/** Something wrong, or doubtful, with the configuration or a file that it names. */
export interface Problem extends Place {
  severity: "error" | "warning";
  /** One line: the value found, and what is allowed. It never has key material. */
  message: string;
}

/** Where a problem is. */
export interface Place {
  /** The file as it was named on the command line; `null` where a flag is at fault, or there is no file. */
  file: string | null;
  /** The line, from 1; 0 where no position in the file is meant. */
  line: number;
  /** The column in UTF-16 units, from 1; 0 where no position in the file is meant. */
  column: number;
  /** The dotted path, such as `listener.engine`, or a flag, such as `--engine`; "" where none is meant. */
  key: string;
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

/** The place of a key where no file of a configuration is known. */
function placeOfKey(path: Path): Place {
  return { file: null, line: 0, column: 0, key: formatPath(path) };
}

/** Collects the problems of one part of a configuration, such as a listener, or a certificate of one. */
export class Problems {
  #found: Problem[] = [];
  #path: Path = [];
  #subject = "";

  /** @param place returns where a key is, by its path */
  constructor(readonly place: (path: Path) => Place = placeOfKey) {}

  /** Everything that was found, in this order, of the other parts as well. */
  get found(): readonly Problem[] {
    return this.#found;
  }

  get hasErrors(): boolean {
    return this.#found.some(({ severity }) => severity === "error");
  }

  /** Returns what collects problems of a key of this part, in the same list. */
  at(...steps: Path): Problems {
    const part = this.apart();
    part.#found = this.#found;
    part.#path = [...this.#path, ...steps];
    return part;
  }

  /** Returns what collects problems of this part, in the same list, each of which begins with what it is about. */
  about(subject: string): Problems {
    const part = this.at();
    part.#subject = `${this.#subject}${subject}: `;
    return part;
  }

  /** Returns what collects problems of this part in a list of its own. */
  apart(): Problems {
    const part = new Problems(this.place);
    part.#path = this.#path;
    part.#subject = this.#subject;
    return part;
  }

  error(message: string): void {
    this.#add("error", message);
  }

  warning(message: string): void {
    this.#add("warning", message);
  }

  add(problems: readonly Problem[]): void {
    this.#found.push(...problems);
  }

  #add(severity: Problem["severity"], message: string): void {
    this.#found.push({ severity, ...this.place(this.#path), message: `${this.#subject}${message}` });
  }
}
