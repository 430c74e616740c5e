import { Agent, request } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import { AcmeError } from "./problem.ts";

/** Most bytes of an answer. A chain of certificates has some 10 KiB, and everything else is smaller. */
const MAX_BODY_BYTES = 256 * 1024;
/** How long one request may take, from the connect to the last byte of the answer. */
const REQUEST_MS = 30_000;

interface HttpsClientOptions {
  /** Certificates of the authorities that the server is trusted by, PEM; "" for the public authorities. */
  ca: string;
  userAgent: string;
  /** @default {30_000} */
  timeoutMs?: number;
  /** Aborts every request, also those that begin later. */
  signal?: AbortSignal;
}

export interface HttpsAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Uint8Array;
}

/** Makes requests over HTTPS, each with a deadline and a bound on its answer. Redirects are not followed. */
export class HttpsClient {
  readonly #options: HttpsClientOptions;
  readonly #agent: Agent;

  constructor(options: HttpsClientOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ...(options.ca === "" ? {} : { ca: options.ca }) });
  }

  /**
   * @param body sent as `application/jose+json`
   * @throws {AcmeError} where there is no answer, or one that is too long
   */
  request(method: "GET" | "HEAD" | "POST", url: string, body?: string): Promise<HttpsAnswer> {
    const { userAgent, timeoutMs = REQUEST_MS, signal } = this.#options;
    const fail = (detail: string, cause?: unknown) =>
      new AcmeError(`Cannot reach ${hostOf(url)}: ${detail}`, { cause });
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(fail("stopped"));
      if (!isHttps(url)) {
        return reject(new AcmeError(`Cannot reach ${JSON.stringify(url.slice(0, 200))}: no https URL`));
      }
      const headers: Record<string, string | number> = { "user-agent": userAgent };
      if (body !== undefined) {
        headers["content-type"] = "application/jose+json";
        headers["content-length"] = new TextEncoder().encode(body).length;
      }
      const end = (error: AcmeError | null, answer?: HttpsAnswer) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
        if (error === null) return resolve(answer!);
        reject(error);
        call.destroy();
      };
      const aborted = () => end(fail("stopped"));
      const timer = setTimeout(() => end(fail(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
      signal?.addEventListener("abort", aborted);
      const call = request(url, { method, agent: this.#agent, headers }, (response) => {
        const chunks: Uint8Array[] = [];
        let length = 0;
        response.on("data", (chunk: Uint8Array) => {
          length += chunk.length;
          if (length > MAX_BODY_BYTES) return end(fail(`its answer is longer than ${MAX_BODY_BYTES} bytes`));
          chunks.push(chunk);
        });
        response.on("error", (error) => end(fail(error.message, error)));
        response.on("end", () => {
          if (!response.complete) return end(fail("its answer is cut short"));
          end(null, { status: response.statusCode ?? 0, headers: response.headers, body: concatenate(chunks, length) });
        });
      });
      call.on("error", (error) => end(fail(explain(error), error)));
      call.end(body);
    });
  }

  /** Closes its connections. */
  close(): void {
    this.#agent.destroy();
  }
}

function isHttps(url: string): boolean {
  return URL.canParse(url) && new URL(url).protocol === "https:";
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : JSON.stringify(url.slice(0, 200));
}

function explain(error: Error & { code?: string; errors?: Error[] }): string {
  // The error of a connect that failed for several addresses has a message for each of them, and none itself.
  const detail = error.message || error.errors?.[0]?.message || error.code || "unknown reason";
  return detail.split("\n", 1)[0];
}

function concatenate(chunks: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
