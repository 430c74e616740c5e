import { clearInterval, setInterval, setTimeout } from "node:timers";

/** A write of which the socket has not taken everything. */
export interface StalledWrite {
  /**
   * Lets go of all memory but that of the bytes that are still to be written.
   * @returns the bytes of memory let go of
   */
  shrink(): number;
}

/** Writes that stall for less long are a slow peer's ordinary ones, which a copy would make dearer. */
const SHRINK_AFTER_MS = 1_000;
/** Garbage of stalled writes that is worth a collection. A worker may be left with less of it. */
export const WORTH_COLLECTING_BYTES = 4 * 1024 * 1024;
/** Collections are so far apart. */
const COLLECT_AFTER_MS = 2_000;

let fresh = new Set<StalledWrite>();
let older = new Set<StalledWrite>();
let timer: ReturnType<typeof setInterval> | undefined;
let garbageBytes = 0;
let collecting = false;

/**
 * A write stalls. Where it still does after a second or two its memory is made as small as its bytes: what is left of a
 * chunk holds the whole chunk, and a peer may stall for an hour.
 */
export function writeStalls(write: StalledWrite): void {
  fresh.add(write);
  if (timer === undefined) {
    timer = setInterval(tick, SHRINK_AFTER_MS);
    timer.unref();
  }
}

/** It goes on. */
export function writeGoesOn(write: StalledWrite): void {
  if (!fresh.delete(write)) older.delete(write);
}

/** It is given up, with so many bytes of memory. */
export function writeGivenUp(write: StalledWrite, bytes: number): void {
  writeGoesOn(write);
  letGo(bytes);
}

function tick(): void {
  for (const write of older) letGo(write.shrink());
  older = fresh;
  fresh = new Set();
  if (older.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/** Bun looks for garbage when something is allocated: after a flood of stalled peers that may be never. */
function letGo(bytes: number): void {
  garbageBytes += bytes;
  if (collecting || garbageBytes < WORTH_COLLECTING_BYTES) return;
  collecting = true;
  setTimeout(() => {
    collecting = false;
    garbageBytes = 0;
    // A collection that does not wait frees little of what typed arrays hold. This one takes 10 to 40 ms with 200
    // stalled peers.
    (globalThis as { Bun?: { gc(wait: boolean): void } }).Bun?.gc(true);
  }, COLLECT_AFTER_MS).unref();
}
