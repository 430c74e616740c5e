/** Something that is wrong with a listener or one of its files. */
export interface Problem {
  /** Absolute path of the file that it is about; "" where it is about the configuration itself. */
  file: string;
  /** One line that names the file, what is wrong, and what to do. It never has key material. */
  message: string;
  /** An `error` keeps the listener from starting. */
  severity: "error" | "warning";
  /** The key of the listener that it is about, where it is not about a file. */
  key?: readonly (string | number)[];
}

/** Makes a problem that keeps the listener from starting. */
export function problemError(file: string, message: string): Problem {
  return { file, message, severity: "error" };
}

/** Makes a problem that is only logged. */
export function problemWarning(file: string, message: string): Problem {
  return { file, message, severity: "warning" };
}
