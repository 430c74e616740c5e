import type { Conn } from "../../engines/contract.ts";

/** The pauses between two looks. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 200;

/**
 * Waits until a peer has received everything that was written to it, as far as anybody can tell.
 * @param limitMs how long at most
 * @param standstillMs how long at most while the peer receives nothing
 */
export async function allReceived(conn: Conn, limitMs: number, standstillMs: number): Promise<void> {
  const startMs = performance.now();
  let [before, changedMs] = [Infinity, startMs];
  for (let pauseMs = FIRST_PAUSE_MS;; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    const unsent = await conn.unsent() ?? 0;
    const nowMs = performance.now();
    if (unsent !== before) [before, changedMs] = [unsent, nowMs];
    if (unsent === 0 || nowMs - startMs >= limitMs || nowMs - changedMs >= standstillMs) return;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
