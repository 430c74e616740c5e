/** Something wrong with a file or a listener, in one line of its own. */
export interface Problem {
  /** Absolute path of the file it is about; "" where it is about the configuration itself. */
  file: string;
  /** Complete without `file`: it names the file, what is wrong, and what to do. Never holds key material. */
  message: string;
  /** An `error` keeps the listener from starting. */
  severity: "error" | "warning";
  /** The key of the listener that it is about, where it is about none of the files. */
  key?: readonly (string | number)[];
}

/** A problem that keeps the listener from starting. */
export function problemError(file: string, message: string): Problem {
  return { file, message, severity: "error" };
}

/** A problem that is logged, and lived with. */
export function problemWarning(file: string, message: string): Problem {
  return { file, message, severity: "warning" };
}
