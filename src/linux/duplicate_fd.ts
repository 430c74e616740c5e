import { runtimeName } from "../runtimes/name.ts";

/**
 * Returns another descriptor of the same open file, so that the first stays open when it is closed. An inherited socket
 * belongs to the service manager, and to the next generation, too. Node cannot duplicate descriptors, so there the
 * result is the descriptor itself.
 * @throws {Error} when there is none left
 */
export async function duplicateFd(fd: number): Promise<number> {
  if (runtimeName() === "node") return fd;
  const { libc } = await import("./thread_libc.ts");
  return libc.duplicate(fd);
}
