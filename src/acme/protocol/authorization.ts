/**
 * Proves to the server that the names are ours: authorizations and their challenges (RFC 8555 section 7.5, RFC 8737).
 */
import type { AcmeClient } from "./acme_client.ts";
import type { Challenge } from "../../tls/challenge/challenge.ts";
import { makeChallenge, type Present } from "./make_challenge.ts";
import type { Clock } from "../clock.ts";
import { isRecord, parseJson } from "./directory.ts";
import { Poll } from "./poll.ts";
import { AcmeError, describeProblem, readProblem } from "./problem.ts";

/** How long the server may take to validate a name after it was asked to. */
const VALIDATION_MS = 180_000;
const TLS_ALPN = "tls-alpn-01";

interface AuthorizeOptions {
  present: Present;
  clock: Clock;
  signal?: AbortSignal;
  progress?: (message: string) => void;
}

/** A name that the server has not validated yet. */
interface Pending {
  /** The URL of the authorization. */
  url: string;
  name: string;
  challengeUrl: string;
  challenge: Challenge;
}

/**
 * Goes through the authorizations of an order. Those that are valid from an earlier order need nothing.
 * @param urls of the authorizations
 * @throws {AcmeError} where one does not become valid; the others are given up then
 */
export async function authorize(client: AcmeClient, urls: string[], options: AuthorizeOptions): Promise<void> {
  const pending: Pending[] = [];
  for (const url of urls) {
    const found = await readAuthorization(client, url);
    if (found !== null) pending.push(found);
  }
  if (pending.length === 0) return;
  const withdraw = await options.present(pending.map(({ challenge }) => challenge));
  try {
    for (const { challengeUrl, name } of pending) {
      await client.post(challengeUrl, {}, `have ${name} validated`);
      options.progress?.(`asked for the validation of ${name}`);
    }
    for (const one of pending) await validated(client, one, options);
  } catch (error) {
    for (const { url } of pending) await deactivate(client, url);
    throw error;
  } finally {
    await withdraw();
  }
}

async function readAuthorization(client: AcmeClient, url: string): Promise<Pending | null> {
  const authorization = await client.postJson(url, null, "read an authorization");
  const { status, identifier, challenges } = authorization;
  if (status === "valid") return null;
  if (!isRecord(identifier) || typeof identifier.value !== "string" || !Array.isArray(challenges)) {
    throw new AcmeError("Cannot read an authorization: it has no identifier, or no challenges");
  }
  const name = identifier.value.slice(0, 255);
  if (status !== "pending") throw failure(name, authorization);
  const offered = challenges.filter(isRecord);
  const found = offered.find(({ type }) => type === TLS_ALPN);
  if (found === undefined || typeof found.url !== "string" || typeof found.token !== "string") {
    const types = offered.map(({ type }) => String(type).slice(0, 40)).join(", ");
    throw new AcmeError(
      `Cannot have ${name} validated: the directory offers no ${TLS_ALPN} for it, but ${types || "nothing"}`,
    );
  }
  // The token is made part of a key authorization as it is (RFC 8555 section 8.1: base64url).
  if (!/^[\w-]{1,500}$/.test(found.token)) {
    throw new AcmeError(`Cannot have ${name} validated: its token is no base64url`);
  }
  const type = identifier.type === "ip" ? "ip" : "dns";
  const challenge = await makeChallenge({ type, value: name }, found.token, client.key.thumbprint);
  return { url, name, challengeUrl: found.url, challenge };
}

async function validated(client: AcmeClient, { url, name }: Pending, options: AuthorizeOptions): Promise<void> {
  const poll = new Poll({ ...options, limitMs: VALIDATION_MS, what: `the validation of ${name}` });
  for (;;) {
    await poll.wait();
    const answer = await client.post(url, null, "read an authorization");
    poll.heard(answer);
    const authorization = parseJson(answer);
    if (authorization.status === "valid") return options.progress?.(`${name} is validated`);
    if (authorization.status !== "pending") throw failure(name, authorization);
  }
}

/** Returns what the server found wrong, which is in the challenge that it tried. */
function failure(name: string, { status, challenges }: Record<string, unknown>): AcmeError {
  for (const challenge of Array.isArray(challenges) ? challenges.filter(isRecord) : []) {
    const problem = readProblem(challenge.error);
    if (problem !== null) return new AcmeError(`${name} was not validated: ${describeProblem(problem)}`, { problem });
  }
  return new AcmeError(`${name} was not validated: the authorization is ${String(status).slice(0, 20)}`);
}

/** Gives up authorizations, because servers count the open ones and refuse orders where there are many. */
async function deactivate(client: AcmeClient, url: string): Promise<void> {
  try {
    await client.post(url, { status: "deactivated" }, "give up an authorization");
  } catch {
    // The authorization is invalid already, or the server is away: then it expires by itself. The error that led here
    // is the one that is reported.
  }
}
