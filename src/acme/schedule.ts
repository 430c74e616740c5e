/** When a certificate is renewed, and when a failed attempt is repeated: pure functions of the time. */
import { LONGEST_WAIT_MS } from "./protocol/problem.ts";
import type { RenewalWindow } from "./protocol/renewal_info.ts";

const SHORT_LIVED_MS = 10 * 86_400_000;
const FIRST_RETRY_MS = 60_000;
/** The part of the lifetime over which the renewals of certificates of the same age are spread. */
const JITTER = 0.05;

interface Lifetime {
  /** Milliseconds since the epoch. */
  notBefore: number;
  notAfter: number;
}

/**
 * When to renew: within the window that the server suggests, else at two thirds of the lifetime, or at half of it below
 * ten days, plus a random part of that lifetime.
 * @param random at least 0, less than 1
 */
export function renewalTime({ notBefore, notAfter }: Lifetime, window: RenewalWindow | null, random: number): number {
  if (window !== null) return window.startMs + random * (window.endMs - window.startMs);
  const lifetimeMs = notAfter - notBefore;
  const share = lifetimeMs < SHORT_LIVED_MS ? 1 / 2 : 2 / 3;
  return notBefore + lifetimeMs * (share + random * JITTER);
}

/**
 * How long to wait after so many failures in a row: a minute, then twice as long each time, at most a day; with jitter,
 * and never shorter than the server asks for.
 * @param failures at least 1
 * @param random at least 0, less than 1
 */
export function retryDelay(failures: number, retryAfterMs: number | undefined, random: number): number {
  const backoffMs = FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20) * (0.75 + random / 2);
  return Math.min(Math.max(backoffMs, retryAfterMs ?? 0), LONGEST_WAIT_MS);
}
