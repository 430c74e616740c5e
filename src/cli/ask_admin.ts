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
 * @throws {Error} when there is no answer, or one that is not JSON
 */
export function askAdmin<Answer>(admin: Address, path: string): Promise<Answer> {
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
        try {
          resolve(JSON.parse(text));
        } catch {
          fail("the answer is not JSON, is this tls-off?");
        }
      });
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", (error: NodeJS.ErrnoException) => fail(CAUSES[error.code ?? ""] ?? error.message));
    sent.end();
  });
}

/** An address to connect to: where the endpoint listens on all addresses, it is that of this machine. */
function connectable(hostname: string): string {
  if (hostname === "0.0.0.0") return "127.0.0.1";
  return hostname === "::" ? "::1" : hostname;
}
