import { runtimeName } from "./detect.ts";

/** The part of `Bun.FFI` used here. */
interface BunFfi {
  dlopen(
    path: string,
    symbols: { dup: { args: ["i32"]; returns: "i32" } },
  ): { symbols: { dup(fd: number): number }; close(): void };
}

/**
 * A descriptor of the same open file, so that closing it leaves the first one open: an inherited socket is the service manager's, and
 * the next generation's, too. Node has no way to make one, and answers with the descriptor itself.
 * @throws {Error} when there is none left
 */
export async function duplicateFd(fd: number): Promise<number> {
  const runtime = runtimeName();
  if (runtime === "deno") {
    const { Libc } = await import("./libc.ts");
    return new Libc().duplicate(fd);
  }
  if (runtime === "node") return fd;
  const libc = (globalThis as unknown as { Bun: { FFI: BunFfi } }).Bun.FFI.dlopen("libc.so.6", {
    dup: { args: ["i32"], returns: "i32" },
  });
  const copy = libc.symbols.dup(fd);
  libc.close();
  if (copy < 0) throw new Error(`Cannot duplicate descriptor ${fd}`);
  return copy;
}
