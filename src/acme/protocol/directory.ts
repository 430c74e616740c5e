import { AcmeError, describeProblem, readProblem, readRetryAfter } from "./problem.ts";
import type { HttpsAnswer, HttpsClient } from "./https_client.ts";

/** The URLs of what an ACME server offers (RFC 8555 section 7.1.1). */
export interface Directory {
  newNonce: string;
  newAccount: string;
  newOrder: string;
  revokeCert: string;
  /** Renewal information (RFC 9773); `null` where the server has none. */
  renewalInfo: string | null;
  /** The certificate profiles that it offers, with a description each; `null` where it has none. */
  profiles: Record<string, string> | null;
  termsOfService: string | null;
  externalAccountRequired: boolean;
}

/**
 * Reads the directory.
 * @throws {AcmeError} where it can't be reached, or is none
 */
export async function fetchDirectory(https: HttpsClient, url: string): Promise<Directory> {
  const answer = await https.request("GET", url);
  if (answer.status !== 200) throw answerError(`read the directory ${url}`, answer);
  const found = parseJson(answer) as Record<string, unknown>;
  const where = (name: string): string => {
    const value = found[name];
    if (typeof value === "string" && URL.canParse(value)) return value;
    throw new AcmeError(`Cannot read the directory ${url}: it has no URL for "${name}": is this an ACME directory?`);
  };
  const meta = (isRecord(found.meta) ? found.meta : {}) as Record<string, unknown>;
  return {
    newNonce: where("newNonce"),
    newAccount: where("newAccount"),
    newOrder: where("newOrder"),
    revokeCert: where("revokeCert"),
    renewalInfo: typeof found.renewalInfo === "string" ? found.renewalInfo : null,
    profiles: isRecord(meta.profiles) ? meta.profiles as Record<string, string> : null,
    termsOfService: typeof meta.termsOfService === "string" ? meta.termsOfService : null,
    externalAccountRequired: meta.externalAccountRequired === true,
  };
}

/** Describes a failed answer, in the server's own words where it has any. */
export function answerError(action: string, answer: HttpsAnswer): AcmeError {
  const problem = problemOf(answer);
  const detail = problem === null ? `HTTP status ${answer.status}` : describeProblem(problem);
  const retryAfterMs = readRetryAfter(answer.headers["retry-after"], Date.now());
  return new AcmeError(`Cannot ${action}: ${detail}`, {
    ...(problem === null ? {} : { problem }),
    status: answer.status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The problem document of a failed answer; `null` where it has none. */
export function problemOf(answer: HttpsAnswer): ReturnType<typeof readProblem> {
  if (answer.status < 400) return null;
  try {
    return readProblem(parseJson(answer));
  } catch {
    // This is an error page of something between client and server. Its status says more than its HTML.
    return null;
  }
}

/**
 * An answer's JSON, which is an object in all of ACME.
 * @throws {AcmeError} where it is something else
 */
export function parseJson({ body }: HttpsAnswer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(body));
  } catch {
    // The error below says enough: what the body is instead does not matter.
  }
  if (!isRecord(value)) throw new AcmeError("Cannot read the server's answer: it is no JSON object");
  return value;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
