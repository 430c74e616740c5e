/** One order from the request to the certificate (RFC 8555 section 7.4). */
import type { AcmeClient } from "./acme_client.ts";
import { authorize } from "./authorization.ts";
import { makeCertificateRequest } from "./certificate_request.ts";
import type { Present } from "./make_challenge.ts";
import type { Clock } from "../clock.ts";
import { isRecord, parseJson } from "./directory.ts";
import { downloadChain } from "./download.ts";
import { type Identifier, identifierOf } from "./identifier.ts";
import { Poll } from "./poll.ts";
import { AcmeError, describeProblem, readProblem } from "./problem.ts";

/** How long the server may take to make the certificate after it was asked to. */
const ISSUE_MS = 300_000;

export interface OrderOptions {
  /** DNS names and IP addresses. */
  names: string[];
  /** "" for the server's usual one. */
  profile: string;
  /**
   * What the certificate replaces, as its renewal information is asked for (RFC 9773 section 5); `null` for nothing.
   */
  replaces: string | null;
  /** Common name of the issuer of the chain's last certificate that is preferred; "" for the server's first choice. */
  preferredChain: string;
  present: Present;
  clock: Clock;
  signal?: AbortSignal;
  /** Receives a line for each step. */
  progress?: (message: string) => void;
}

/** A certificate and its key. */
export interface Issued {
  /** PKCS#8, PEM. Never logged. */
  keyPem: string;
  /** PEM: leaf first. */
  chainPem: string;
}

/**
 * Orders a certificate for `names`, answers the challenges, and downloads it.
 * @throws {AcmeError} why there is none
 */
export async function orderCertificate(client: AcmeClient, options: OrderOptions): Promise<Issued> {
  const { names, clock, signal, progress = () => {} } = options;
  const identifiers = names.map(identifierOf);
  const { url, order } = await placeOrder(client, identifiers, options);
  progress(`ordered ${names.join(", ")}`);
  await authorize(client, strings(order.authorizations), options);
  const request = await makeCertificateRequest(identifiers);
  const poll = new Poll({ clock, signal, limitMs: ISSUE_MS, what: "the certificate" });
  let current = await read(client, url, poll);
  while (current.status === "pending") current = await read(client, url, poll);
  if (current.status === "ready") {
    progress("asked for the certificate");
    const finalize = text(current.finalize, "finalize");
    const answer = await client.post(finalize, { csr: request.csr }, "finalise the order");
    poll.heard(answer);
    current = parseJson(answer);
  }
  while (current.status === "processing" || current.status === "ready") current = await read(client, url, poll);
  if (current.status !== "valid") throw invalidOrder(current);
  const chainPem = await downloadChain(client, text(current.certificate, "certificate"), {
    ...options,
    keyPem: request.keyPem,
  });
  return { keyPem: request.keyPem, chainPem };
}

async function placeOrder(
  client: AcmeClient,
  identifiers: Identifier[],
  { profile, replaces: replaced }: OrderOptions,
): Promise<{ url: string; order: Record<string, unknown> }> {
  const { newOrder, profiles, renewalInfo } = client.directory;
  // A server without renewal information may not know the field.
  const replaces = renewalInfo === null ? null : replaced;
  if (profile !== "" && (profiles === null || !Object.hasOwn(profiles, profile))) {
    const offered = profiles === null ? "none" : Object.keys(profiles).map((name) => `"${name}"`).join(", ");
    throw new AcmeError(`Cannot order a certificate: the directory has no profile "${profile}"; it offers ${offered}`);
  }
  const payload = { identifiers, ...(profile === "" ? {} : { profile }) };
  const action = "order a certificate";
  let answer;
  try {
    answer = await client.post(newOrder, replaces === null ? payload : { ...payload, replaces }, action);
  } catch (error) {
    // The server may not know what is replaced, or it is replaced already. Then this is an order like any other.
    const type = error instanceof AcmeError ? error.problem?.type : undefined;
    if (replaces === null || (type !== "alreadyReplaced" && type !== "malformed")) throw error;
    answer = await client.post(newOrder, payload, action);
  }
  const { location } = answer.headers;
  if (location === undefined) {
    throw new AcmeError("Cannot order a certificate: the answer does not say where the order is");
  }
  return { url: location, order: parseJson(answer) };
}

async function read(client: AcmeClient, url: string, poll: Poll): Promise<Record<string, unknown>> {
  await poll.wait();
  const answer = await client.post(url, null, "read the order");
  poll.heard(answer);
  return parseJson(answer);
}

function invalidOrder({ status, error }: Record<string, unknown>): AcmeError {
  const problem = readProblem(error);
  const detail = problem === null ? "" : `: ${describeProblem(problem)}`;
  const state = typeof status === "string" ? status.slice(0, 20) : "without a status";
  return new AcmeError(
    `Cannot get the certificate: the order is ${state}${detail}`,
    problem === null ? {} : { problem },
  );
}

function text(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new AcmeError(`Cannot read the order: it has no "${what}"`);
}

function strings(value: unknown): string[] {
  const list = Array.isArray(value) && !isRecord(value) ? value : [];
  if (list.length === 0 || !list.every((item) => typeof item === "string")) {
    throw new AcmeError('Cannot read the order: it has no "authorizations"');
  }
  return list;
}
