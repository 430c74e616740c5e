import process from "node:process";

/** A larger heap is collected when the engine sees fit: it would stand still for too long, and garbage is little of it. */
const LARGEST_HEAP = 32 * 1024 * 1024;
/** At most so often. */
const PAUSE_MS = 2_000;

interface Collectors {
  /** V8's, where `--expose-gc` was given. */
  gc?: () => void;
  Bun?: { gc: (wait: boolean) => void };
}

let timer: ReturnType<typeof setTimeout> | null = null;

/**
 * Gives memory back soon that is not used any more: to be called after much of it was let go at once. V8 looks at the size of
 * its own heap alone, and a heap of a few megabytes grows to several times that before it looks for garbage.
 * @param trim gives back what the process has freed
 */
export function releaseMemorySoon(trim: () => void = () => {}): void {
  timer ??= setTimeout(() => {
    timer = null;
    const { gc, Bun } = globalThis as Collectors;
    if (process.memoryUsage().heapUsed <= LARGEST_HEAP) {
      if (Bun !== undefined) Bun.gc(false);
      else gc?.();
    }
    trim();
  }, PAUSE_MS);
}
