import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { runtimeName } from "../../runtimes/name.ts";

/** Largest heap that is collected here. A larger one would stop the thread for too long. */
const LARGEST_HEAP = 32 * 1024 * 1024;
/** The least time between two collections. */
const PAUSE_MS = 2_000;

interface Collectors {
  /** V8's function, which exists with `--expose-gc`. */
  gc?: () => void;
  Bun?: { gc: (wait: boolean) => void };
}

const libc = runtimeName() === "node" ? null : (await import("../../linux/thread_libc.ts")).libc;

let timer: ReturnType<typeof setTimeout> | null = null;

/**
 * Gives unused memory back soon. To be called when much memory was released at once. V8 only considers the size of its
 * heap, and a heap of a few megabytes grows to several times its size before V8 collects garbage.
 */
export function releaseMemorySoon(): void {
  timer ??= setTimeout(() => {
    timer = null;
    const { gc, Bun } = globalThis as Collectors;
    const heapBytes = heapSize();
    if (heapBytes === null) return releaseMemorySoon();
    if (heapBytes <= LARGEST_HEAP) {
      // A collection that does not wait frees little of what typed arrays hold.
      if (Bun !== undefined) Bun.gc(true);
      else (gc ?? nodeGc())?.();
    }
    libc?.trimMemory();
  }, PAUSE_MS);
}

let madeGc: (() => void) | undefined;

/** V8's function on Node, where the command line would have to ask for it otherwise; `undefined` on Deno. */
function nodeGc(): (() => void) | undefined {
  if (runtimeName() !== "node") return undefined;
  if (madeGc === undefined) {
    setFlagsFromString("--expose-gc");
    madeGc = runInNewContext("gc") as () => void;
  }
  return madeGc;
}

/**
 * Bytes of the objects in this thread's heap; `null` where no descriptor is left, as Bun opens a file to tell. How long
 * a collection takes depends on objects. Bun also counts the bytes of buffers, which are most of what is given back.
 */
function heapSize(): number | null {
  try {
    const { heapUsed, external } = process.memoryUsage();
    return runtimeName() === "bun" ? heapUsed - external : heapUsed;
  } catch {
    return null;
  }
}
