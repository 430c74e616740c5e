import { formatPath, type Path, type Position, type Positions } from "./positions.ts";
import { compareProblems, type Problem } from "./problem.ts";

/** Where the values of a configuration come from, for messages and relative paths. */
export interface Source {
  /** The file as it was named on the command line; `null` for flags alone. */
  file: string | null;
  positions: Positions | null;
  /** Directory that relative paths of the file start from. */
  fileDir: string;
  /** Directory that relative paths of flags start from. */
  cwd: string;
}

/** Collects the problems of one configuration. */
export class Report {
  readonly #problems: Problem[] = [];
  readonly #failed = new Set<string>();
  readonly #flags = new Map<string, string>();

  /** @param flagFor the flag that a path could be given by, for a configuration without a file */
  constructor(readonly source: Source, readonly flagFor: (path: Path) => string | null) {}

  /** Notes that a value came from a flag. */
  setFlag(path: Path, flag: string): void {
    this.#flags.set(pathKey(path), flag);
  }

  /** The flag that gave the value at a path, or a table around it. */
  flagAt(path: Path): string | null {
    for (let length = path.length; length > 0; length--) {
      const flag = this.#flags.get(pathKey(path.slice(0, length)));
      if (flag !== undefined) return flag;
    }
    return null;
  }

  /** The directory that a relative path in the value at a path starts from. */
  baseDir(path: Path): string {
    return this.flagAt(path) === null ? this.source.fileDir : this.source.cwd;
  }

  /** Whether an error of the value at a path was reported already. */
  hasFailed(path: Path): boolean {
    return this.#failed.has(pathKey(path));
  }

  /** Notes that a value is missing only since it was written elsewhere, or by another name, which was reported. */
  setMeant(path: Path): void {
    this.#failed.add(pathKey(path));
  }

  /** @param steps from the value to what is at fault within it: an element of a list, a key of an inline table */
  error(path: Path, message: string, ...steps: Path): void {
    this.#failed.add(pathKey(path));
    this.#add("error", [...path, ...steps], message);
  }

  /** Reports a flag that applies to no single value of the file. */
  flagError(flag: string, message: string): void {
    this.#failed.add(flag);
    this.#problems.push({ severity: "error", file: null, line: 0, column: 0, key: flag, message });
  }

  warning(path: Path, message: string): void {
    this.#add("warning", path, message);
  }

  get hasErrors(): boolean {
    return this.#failed.size > 0;
  }

  /** Line and column of a key in the file, `null` where it came from a flag. */
  positionOf(path: Path): Position | null {
    return this.flagAt(path) === null ? this.source.positions?.find(path) ?? null : null;
  }

  sorted(): Problem[] {
    return this.#problems.toSorted(compareProblems);
  }

  #add(severity: Problem["severity"], path: Path, message: string): void {
    const flag = this.flagAt(path) ?? (this.source.file === null ? this.flagFor(path) : null);
    const position = flag === null ? this.positionOf(path) : null;
    this.#problems.push({
      severity,
      file: flag === null ? this.source.file : null,
      line: position?.line ?? 0,
      column: position?.column ?? 0,
      key: flag ?? formatPath(path),
      message,
    });
  }
}

function pathKey(path: Path): string {
  return JSON.stringify(path);
}
