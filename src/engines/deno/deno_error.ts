import { ConnError, type ConnErrorKind } from "../contract.ts";
import { errnoKind } from "../shared/errno_kinds.ts";

const KINDS: [new (...args: never[]) => Error, ConnErrorKind][] = [
  [Deno.errors.ConnectionReset, "reset"],
  [Deno.errors.BrokenPipe, "broken-pipe"],
  [Deno.errors.ConnectionAborted, "reset"],
  [Deno.errors.NotConnected, "reset"],
  [Deno.errors.UnexpectedEof, "truncated"],
  [Deno.errors.ConnectionRefused, "refused"],
  [Deno.errors.NotFound, "refused"],
  [Deno.errors.InvalidData, "tls"],
  [Deno.errors.BadResource, "closed"],
  [Deno.errors.Interrupted, "closed"],
  [Deno.errors.TimedOut, "timeout"],
];

/** Errors of a peer that has left. There is one of each text for all connections, since making one takes 9 µs. */
const LEFT: readonly ConnErrorKind[] = ["reset", "broken-pipe", "truncated"];
const MOST_TEXTS = 16;
const left = new Map<string, ConnError>();

/** Makes a {@linkcode ConnError} of an error of Deno. */
export function connError(error: unknown): ConnError {
  if (!(error instanceof Error)) return new ConnError("other", String(error));
  const kind = KINDS.find(([type]) => error instanceof type)?.[1] ?? kindByText(error);
  if (!LEFT.includes(kind)) return new ConnError(kind, error.message, { cause: error });
  const known = left.get(error.message);
  if (known?.kind === kind) return known;
  const made = new ConnError(kind, error.message);
  if (left.size < MOST_TEXTS) left.set(error.message, made);
  return made;
}

/** Makes it, and throws it. */
export function throwConnError(error: unknown): never {
  throw connError(error);
}

function kindByText(error: Error): ConnErrorKind {
  // Other errors have the operating system's text, with the number of errno(3).
  const errno = Number(/\(os error (\d+)\)/.exec(error.message)?.[1]);
  const isTimeout = error.name === "TimeoutError" || error.name === "AbortError";
  return errnoKind(errno) ?? (isTimeout ? "timeout" : "other");
}
