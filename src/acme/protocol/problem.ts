import { printable } from "../../tls/certificates/certificate_file.ts";

/** The longest wait that a server may ask for: certificates are tried to be renewed at least once a day. */
export const LONGEST_WAIT_MS = 24 * 3_600_000;

/** A problem document (RFC 9457) as ACME uses it (RFC 8555 section 6.7). */
interface ProblemDocument {
  /** Without the prefix `urn:ietf:params:acme:error:`, e.g. `rateLimited`. */
  type: string;
  /** The server's words, printable and of bounded length. */
  detail: string;
  /** Set where a problem is about one identifier of several. */
  identifier?: string;
  subproblems: ProblemDocument[];
}

interface AcmeErrorOptions extends ErrorOptions {
  problem?: ProblemDocument;
  /** HTTP status of the answer. */
  status?: number;
  /** How long the server asks to wait before the next attempt. */
  retryAfterMs?: number;
}

/** A certificate could not be obtained. The message says why, in the server's own words where it had any. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  readonly problem: ProblemDocument | undefined;
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, { problem, status, retryAfterMs, ...options }: AcmeErrorOptions = {}) {
    super(message, options);
    this.problem = problem;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

const PREFIX = "urn:ietf:params:acme:error:";
/** How many of the problems that a server lists are read. */
const MAX_SUBPROBLEMS = 10;

/** Reads a problem document; `null` where `value` is none. */
export function readProblem(value: unknown): ProblemDocument | null {
  if (typeof value !== "object" || value === null) return null;
  const { type, detail, subproblems, identifier } = value as Record<string, unknown>;
  if (typeof type !== "string" && typeof detail !== "string") return null;
  const name = (identifier as { value?: unknown } | undefined)?.value;
  return {
    type: typeof type === "string" ? printable(type.startsWith(PREFIX) ? type.slice(PREFIX.length) : type) : "",
    detail: typeof detail === "string" ? printable(detail) : "",
    ...(typeof name === "string" ? { identifier: printable(name) } : {}),
    subproblems: Array.isArray(subproblems)
      ? subproblems.slice(0, MAX_SUBPROBLEMS).map(readProblem).filter((problem) => problem !== null)
      : [],
  };
}

/** One line, such as `example.org: Timeout during connect (connection)`. */
export function describeProblem({ type, detail, identifier, subproblems }: ProblemDocument): string {
  const own = detail === "" ? type : type === "" ? detail : `${detail} (${type})`;
  const line = identifier === undefined ? own : `${identifier}: ${own}`;
  return [line, ...subproblems.map(describeProblem)].join("; ");
}

/**
 * The wait of a `Retry-After` header in milliseconds (RFC 9110 section 10.2.3: seconds or a date), at most a day.
 * @param nowMs milliseconds since the epoch, what a date is compared with
 */
export function readRetryAfter(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const waitMs = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs;
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), LONGEST_WAIT_MS);
}
