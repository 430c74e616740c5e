import { runtimeName } from "../runtimes/name.ts";

/**
 * A descriptor of the same open file, so that closing it leaves the first one open: an inherited socket is the service manager's,
 * and the next generation's, too. Node has no way to make one, and answers with the descriptor itself.
 * @throws {Error} when there is none left
 */
export async function duplicateFd(fd: number): Promise<number> {
  if (runtimeName() === "node") return fd;
  const { libc } = await import("./thread_libc.ts");
  return libc.duplicate(fd);
}
