import { slowness } from "./proxies/binary_under_test.ts";

/** A value that is the same in so many polls, 20 ms apart, counts as unchanging. */
const STILL_POLLS = 25;

/**
 * How long a test waits for what must come, unless it says otherwise. On a busy machine a second can become ten, and
 * some things take the program ten seconds by themselves: a silent client is cut then, a runtime's idle thread ends.
 */
export const PATIENCE_MS = 45_000;

/**
 * Waits until `done`. The time limit is generous, so that it only ends a test that has failed.
 * @param what is awaited; a function where it tells of what is there instead
 */
export async function until(
  done: () => boolean | Promise<boolean>,
  what: string | (() => string),
  timeoutMs = PATIENCE_MS * slowness(),
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!await done()) {
    if (performance.now() > deadline) {
      throw new Error(`Waited ${timeoutMs} ms in vain until ${typeof what === "string" ? what : what()}`);
    }
    await pause(20);
  }
}

/**
 * Asserts that `holds` stays true for a while: that nothing happens. To be called with the shortest time in which it would.
 */
export async function stays(holds: () => boolean, what: string, milliseconds: number): Promise<void> {
  for (const end = performance.now() + milliseconds; performance.now() < end; await pause(20)) {
    if (!holds()) throw new Error(`It was no longer so that ${what}`);
  }
}

/** Waits until a value has stayed the same for a while, for example because a writer is stalled. */
export async function untilStill(value: () => number, what: string): Promise<void> {
  let last = NaN;
  let same = 0;
  await until(() => {
    same = value() === last ? same + 1 : 0;
    last = value();
    return same >= STILL_POLLS;
  }, what);
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
