/** Polls, 20 ms each, after which what has not changed is still. */
const STILL_POLLS = 25;

/** Waits until `done`; a generous bound makes a failure an end, and never a race. */
export async function until(
  done: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 15_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!await done()) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain until ${what}`);
    await pause(20);
  }
}

/** Waits until a value has stayed the same for a while: a writer is stalled, for instance. */
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
