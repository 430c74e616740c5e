/** Opens C libraries on the runtimes with FFI: Deno and Bun. */
import { runtimeName } from "../runtimes/name.ts";

/** The part of `Bun.FFI` used here. */
interface BunFfi {
  dlopen(path: string, symbols: Record<string, { args: string[]; returns: string }>): { symbols: unknown } | Error;
}

/** Bun's name for each of Deno's names of types. */
const BUN_TYPES: Record<string, string> = {
  i32: "i32",
  u32: "u32",
  i64: "i64",
  isize: "i64",
  usize: "u64",
  buffer: "ptr",
  void: "void",
};

/**
 * Opens the first of the libraries that exists.
 * @param symbols the functions, in the form of `Deno.dlopen`
 * @throws {Error} naming the paths, and why the last could not be opened
 */
export function openLibrary<const Symbols extends Deno.ForeignLibraryInterface>(
  paths: readonly string[],
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols>["symbols"] {
  const open = runtimeName() === "bun" ? openOnBun<Symbols> : openOnDeno<Symbols>;
  let reason = "";
  for (const path of paths) {
    try {
      return open(path, symbols);
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
    }
  }
  throw new Error(`Cannot load libc: none of ${paths.join(", ")} could be opened with --allow-ffi: ${reason}`);
}

/**
 * Deno makes machine code for each function of a library that it opens, 0.2 ms each, in each thread: a function is
 * opened when it is first called. The library itself is open by then, under the same name, so that this needs no
 * descriptor.
 */
function openOnDeno<Symbols extends Deno.ForeignLibraryInterface>(path: string, symbols: Symbols) {
  Deno.dlopen(path, {});
  const functions = {};
  for (const [name, symbol] of Object.entries(symbols)) {
    const get = () => {
      const value = Deno.dlopen(path, { [name]: symbol }).symbols[name];
      Object.defineProperty(functions, name, { value });
      return value;
    };
    Object.defineProperty(functions, name, { get, configurable: true, enumerable: true });
  }
  return functions as Deno.DynamicLibrary<Symbols>["symbols"];
}

function openOnBun<Symbols extends Deno.ForeignLibraryInterface>(path: string, symbols: Symbols) {
  const functions = Object.entries(symbols as Record<string, Deno.ForeignFunction>);
  const types = functions.map(([name, { parameters, result }]): [string, { args: string[]; returns: string }] => [
    name,
    { args: parameters.map((type) => BUN_TYPES[String(type)]), returns: BUN_TYPES[String(result)] },
  ]);
  const { FFI } = (globalThis as unknown as { Bun: { FFI: BunFfi } }).Bun;
  const opened = FFI.dlopen(path, Object.fromEntries(types));
  // Bun returns the error where Deno throws it.
  if (opened instanceof Error) throw opened;
  return opened.symbols as Deno.DynamicLibrary<Symbols>["symbols"];
}
