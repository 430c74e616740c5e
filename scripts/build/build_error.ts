/** Something that keeps a binary from being made, in a line of its own. */
export class BuildError extends Error {
  override readonly name: string = "BuildError";
}

/** Deno's compile base is nowhere: the build may go on without, where it was told so. */
export class MissingBaseError extends BuildError {
  override readonly name = "MissingBaseError";
}
