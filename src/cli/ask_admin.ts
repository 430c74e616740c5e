import { request } from "node:http";
import { formatAddress } from "../net/address.ts";
import type { Address } from "../net/address.ts";

/** Most characters of an answer. That of `/stats` with its history has some tens of thousands. */
const MAX_ANSWER = 16 * 1024 * 1024;
const TIMEOUT_MS = 5_000;

/** What an error's code means here. */
const CAUSES: Record<string, string> = {
  ECONNREFUSED: "connection refused, is tls-off running with this address as admin.listen?",
  ENOENT: "file not found, is tls-off running with this address as admin.listen?",
  EACCES: "permission denied",
};

/**
 * Asks the admin endpoint of a running proxy, on TCP or a Unix socket.
 * @param keys what every answer has
 * @throws {Error} when there is no answer, or it is none of this program
 */
export function askAdmin<Answer extends object>(
  admin: Address,
  path: string,
  keys: readonly (keyof Answer)[],
): Promise<Answer> {
  const target = admin.transport === "unix"
    ? { socketPath: admin.path, headers: { host: "localhost" } }
    : { host: connectable(admin.hostname), port: admin.port };
  return new Promise((resolve, reject) => {
    const fail = (why: string) =>
      reject(new Error(`Cannot read ${path} from the admin endpoint ${formatAddress(admin)}: ${why}`));
    const sent = request({ ...target, path, agent: false, timeout: TIMEOUT_MS }, (response) => {
      const { statusCode } = response;
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER) sent.destroy(new Error("the answer is too large"));
      });
      response.on("error", (error) => fail(error.message));
      response.on("end", () => {
        if (statusCode !== 200) return fail(`status ${statusCode}: ${text.slice(0, 200).trim()}`);
        const answer = parse<Answer>(text);
        if (answer === null) return fail("the answer is no JSON object, is this tls-off?");
        if (keys.some((key) => !(key in answer))) return fail("the answer is of another program, is this tls-off?");
        resolve(answer);
      });
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", (error: NodeJS.ErrnoException) => fail(CAUSES[error.code ?? ""] ?? error.message));
    sent.end();
  });
}

/** Reads an object; `null` where the text is none. */
function parse<Answer extends object>(text: string): Answer | null {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}

/** An address to connect to: where the endpoint listens on all addresses, it is that of this machine. */
function connectable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "::" ? "::1" : hostname;
}
