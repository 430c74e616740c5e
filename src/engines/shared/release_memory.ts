import process from "node:process";
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
      if (Bun !== undefined) Bun.gc(false);
      else gc?.();
    }
    libc?.trimMemory();
  }, PAUSE_MS);
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
