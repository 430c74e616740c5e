/** How an application has ended a connection, by what the kernel says of it. */
import { CONNECTION_RESET, type ConnError } from "../../engines/contract.ts";
import type { Reason } from "../../metrics/reasons.ts";
import { backendReason } from "../failure_reasons.ts";

/** What is known when nothing more comes from an application. */
interface Facts {
  /** How reading has failed; `null` at an end in good order. */
  failure: ConnError | null;
  /** How writing has failed; `null` where it has not. */
  refusal: ConnError | null;
  /** Whether bytes have come from the application. */
  answered: boolean;
  onUnixSocket: boolean;
}

/** A failure of the application. Its message is the same on every engine where it is a reset. */
export interface BackendFailure {
  reason: Reason;
  error: string;
}

/**
 * Decides whether an application has failed. The kernel reports a reset (ECONNRESET) once, to a read or to a write,
 * whichever comes first, and from then on an end to reads and EPIPE to writes. It reports the same to writes where the
 * application had closed in good order. So a reset that either of them has seen is a reset, and EPIPE by itself is not.
 *
 * An application that closes over unread bytes resets the connection. On TCP its kernel throws away what it has not
 * sent yet, so that bytes of an answer may be missing. On a Unix socket all that was written has arrived already, so
 * that an early answer is whole.
 * @returns `null` where it has ended in good order
 */
export function backendFailure({ failure, refusal, answered, onUnixSocket }: Facts): BackendFailure | null {
  const cause = [failure, refusal].find((error) => error !== null && error.kind !== "broken-pipe");
  if (!cause) return null;
  if (cause.kind !== "reset") return { reason: backendReason(cause), error: cause.message };
  return answered && onUnixSocket ? null : BACKEND_RESET;
}

const BACKEND_RESET: BackendFailure = {
  reason: "backend-reset",
  error: CONNECTION_RESET.message,
};
