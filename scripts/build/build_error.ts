/** A binary cannot be made. The message is one line. */
export class BuildError extends Error {
  override readonly name: string = "BuildError";
}

/** Deno's compile base cannot be found. The build goes on without it where that is allowed. */
export class MissingBaseError extends BuildError {
  override readonly name = "MissingBaseError";
}
