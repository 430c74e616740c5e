import { type Conn, ConnError } from "../runtime/contract.ts";

/** How one direction ended: by the source's end, or by a failure of one of the two. */
export type RelayEnd =
  | { kind: "ended"; truncated: boolean }
  | { kind: "failed"; side: "source" | "target"; error: ConnError };

/** What is told of one direction. One object instead of closures: ten thousand idle connections hold two each. */
export interface Flow {
  /** A chunk of `count` bytes was read. */
  moved(count: number): void;
  /** The direction is over. */
  ended(end: RelayEnd): void;
}

/**
 * One direction of a connection: reads, counts and writes until the source ends, then half-closes the target. A write is
 * awaited before the next read, so a slow target slows its source down, and at most one chunk is held. Never throws.
 * @param first the first read, where it was begun before the target was there
 */
export async function relay(source: Conn, target: Conn, flow: Flow, first = source.read()): Promise<void> {
  let side: "source" | "target" = "source";
  let truncated = false;
  try {
    for (let chunk = await first; chunk !== null; chunk = await source.read()) {
      flow.moved(chunk.length);
      side = "target";
      await target.write(chunk);
      side = "source";
    }
  } catch (error) {
    const failure = asConnError(error);
    // A peer that sends FIN without close_notify may still read: its answer must not be lost for that.
    if (side === "target" || failure.kind !== "truncated") return flow.ended({ kind: "failed", side, error: failure });
    truncated = true;
  }
  try {
    await target.closeWrite();
    flow.ended({ kind: "ended", truncated });
  } catch (error) {
    const failure = asConnError(error);
    // Everything was written: a target that is gone by now has only closed before it was told to.
    if (failure.kind === "reset") flow.ended({ kind: "ended", truncated });
    else flow.ended({ kind: "failed", side: "target", error: failure });
  }
}

function asConnError(error: unknown): ConnError {
  if (error instanceof ConnError) return error;
  return new ConnError("other", error instanceof Error ? error.message : String(error), { cause: error });
}
