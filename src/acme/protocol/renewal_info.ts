/** Renewal information: when the server wants a certificate to be replaced (RFC 9773). */
import { Buffer } from "node:buffer";
import { readDer, readDerSequence, readObjectIdentifier } from "../../tls/certificates/der.ts";
import { readPem } from "../../tls/certificates/pem.ts";
import { answerError, isRecord, parseJson } from "./directory.ts";
import type { HttpsClient } from "./https_client.ts";
import { AcmeError, readRetryAfter } from "./problem.ts";

const AUTHORITY_KEY_IDENTIFIER = "2.5.29.35";
/** How long an answer is good for, where the server does not say (RFC 9773 section 4.3.2). */
const DEFAULT_CHECK_MS = 6 * 3_600_000;
const SHORTEST_CHECK_MS = 60_000;

/** Milliseconds since the epoch. */
export interface RenewalWindow {
  startMs: number;
  endMs: number;
}

interface RenewalInfo {
  window: RenewalWindow;
  /** How long to wait before asking again. */
  checkAfterMs: number;
}

/**
 * How a certificate is named when renewal information is asked for, and in the order that replaces it (RFC 9773 section
 * 4.1); `null` where it has no key identifier of its authority.
 * @param pem the leaf first
 */
export function renewalId(pem: string): string | null {
  const block = readPem(pem).find(({ label }) => label === "CERTIFICATE");
  if (block === undefined) return null;
  const tbs = readDerSequence(readDer(readDer(block.der).value).value);
  const first = tbs[0]?.tag === 0xa0 ? 1 : 0;
  const extensions = tbs.find(({ tag }) => tag === 0xa3);
  if (extensions === undefined) return null;
  for (const extension of readDerSequence(readDer(extensions.value).value)) {
    const parts = readDerSequence(extension.value);
    if (readObjectIdentifier(parts[0].value) !== AUTHORITY_KEY_IDENTIFIER) continue;
    const identifier = readDerSequence(readDer(parts[parts.length - 1].value).value).find(({ tag }) => tag === 0x80);
    if (identifier === undefined) return null;
    const encode = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64url");
    return `${encode(identifier.value)}.${encode(tbs[first].value)}`;
  }
  return null;
}

/**
 * Asks for a certificate's renewal information.
 * @param renewalInfoUrl of the directory
 * @throws {AcmeError}
 */
export async function fetchRenewalInfo(
  https: HttpsClient,
  renewalInfoUrl: string,
  id: string,
  nowMs: number,
): Promise<RenewalInfo> {
  const answer = await https.request("GET", `${renewalInfoUrl.replace(/\/$/, "")}/${id}`);
  if (answer.status !== 200) throw answerError("read the renewal information", answer);
  const { suggestedWindow } = parseJson(answer);
  const { start, end } = isRecord(suggestedWindow) ? suggestedWindow : {};
  const window = { startMs: Date.parse(String(start)), endMs: Date.parse(String(end)) };
  if (!(window.endMs > window.startMs)) {
    throw new AcmeError("Cannot read the renewal information: it has no window that ends after it starts");
  }
  const checkAfterMs = readRetryAfter(answer.headers["retry-after"], nowMs) ?? DEFAULT_CHECK_MS;
  return { window, checkAfterMs: Math.max(checkAfterMs, SHORTEST_CHECK_MS) };
}
