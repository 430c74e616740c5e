import { ConnError, type ConnErrorKind } from "../contract.ts";

const KINDS: [new (...args: never[]) => Error, ConnErrorKind][] = [
  [Deno.errors.ConnectionReset, "reset"],
  [Deno.errors.BrokenPipe, "reset"],
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

/** Makes a {@linkcode ConnError} of an error of Deno. */
export function connError(error: unknown): ConnError {
  if (!(error instanceof Error)) return new ConnError("other", String(error));
  const kind = KINDS.find(([type]) => error instanceof type)?.[1] ?? kindByText(error);
  return new ConnError(kind, error.message, { cause: error });
}

function kindByText(error: Error): ConnErrorKind {
  // Other errors have the operating system's text, with the number of errno(3).
  const errno = Number(/\(os error (\d+)\)/.exec(error.message)?.[1]);
  if ([11, 12, 23, 24, 105].includes(errno)) return "exhausted"; // EAGAIN ENOMEM ENFILE EMFILE ENOBUFS
  if (errno === 104 || errno === 32) return "reset"; // ECONNRESET EPIPE
  if (errno === 111 || errno === 2) return "refused"; // ECONNREFUSED ENOENT
  if (errno === 110) return "timeout"; // ETIMEDOUT
  return error.name === "TimeoutError" || error.name === "AbortError" ? "timeout" : "other";
}
