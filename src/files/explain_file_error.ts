const EXPLANATIONS: Record<string, string> = {
  ENOENT: "file not found",
  ENOTDIR: "a part of its path is not a directory",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "is a directory",
  EEXIST: "file exists",
  ENOSPC: "no space left on the device",
  ELOOP: "its symbolic links form a loop",
};

/** Explains an error of the file system in a few words, without the wording of the runtimes, which differ. */
export function explainFileError(error: unknown): string {
  const { code, message, name } = error as { code?: string; message?: string; name?: string };
  if (code !== undefined && Object.hasOwn(EXPLANATIONS, code)) return EXPLANATIONS[code];
  // Deno's own message asks for --allow-all, which nobody should give.
  if (name === "NotCapable" || code === "ERR_ACCESS_DENIED") {
    return "the permissions that the program runs with do not allow it";
  }
  return (message ?? String(error)).split("\n")[0];
}
