import { createServer, request as send } from "node:https";
import type { AddressInfo } from "node:net";
import type { IncomingMessage, ServerResponse } from "node:http";
import { makeSelfSigned } from "../../../src/tls/certificates/self_signed.ts";
import type { Pebble } from "./pebble.ts";

/** An answer instead of the ACME server's. */
export interface Replaced {
  status?: number;
  headers?: Record<string, string>;
  /** JSON where it is no text. */
  body?: unknown;
}

/** What a test changes: is asked for each request, before the ACME server is; `null` leaves it to that. */
export type Intercept = (method: string, path: string) => Replaced | null;

/** A window of renewal, as ISO dates. */
export interface Window {
  start: string;
  end: string;
}

/**
 * Stands in front of an ACME server, and adds what pebble 2.4 has not: renewal information (RFC 9773), and faults. The
 * server builds its URLs by the Host header, so that clients go on coming here.
 */
export class AcmeFront implements AsyncDisposable {
  /** Paths asked for, in their order. */
  readonly requests: string[] = [];
  intercept: Intercept = () => null;
  /** What every certificate's renewal information says; `null`: there is none in the directory. */
  window: Window | null = null;

  private constructor(
    readonly caPem: string,
    private readonly server: ReturnType<typeof createServer>,
    private readonly pebble: Pebble | null,
  ) {}

  /** @param pebble `null`: everything is answered by `intercept` */
  static async start(pebble: Pebble | null): Promise<AcmeFront> {
    const { cert, key } = await makeSelfSigned({ hosts: ["localhost"] });
    const server = createServer({ cert, key });
    const front = new AcmeFront(cert, server, pebble);
    server.on("request", (request, response) => {
      front.#answer(request, response).catch((error) => response.destroy(error));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return front;
  }

  get url(): string {
    return `https://localhost:${(this.server.address() as AddressInfo).port}`;
  }

  get directory(): string {
    return `${this.url}/dir`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    this.requests.push(`${method} ${url}`);
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const replaced = this.intercept(method, url) ?? this.#renewalInfo(url);
    if (replaced !== null) {
      const { status = 200, headers = {}, body = "" } = replaced;
      response.writeHead(status, headers);
      return void response.end(typeof body === "string" ? body : JSON.stringify(body));
    }
    if (this.pebble === null) return void response.writeHead(404).end();
    const forwarded = await this.#forward(request, chunks);
    const headers = { ...forwarded.headers };
    let body = forwarded.body;
    if (url === "/dir" && this.window !== null) {
      body = JSON.stringify({ ...JSON.parse(body), renewalInfo: `${this.url}/renewal-info` });
      headers["content-length"] = String(body.length);
    }
    response.writeHead(forwarded.status, headers);
    response.end(body);
  }

  #renewalInfo(url: string): Replaced | null {
    if (this.window === null || !url.startsWith("/renewal-info/")) return null;
    return { headers: { "retry-after": "3600" }, body: { suggestedWindow: this.window } };
  }

  #forward(request: IncomingMessage, chunks: Uint8Array[]) {
    const { method, url, headers } = request;
    return new Promise<{ status: number; headers: Record<string, string>; body: string }>((resolve, reject) => {
      const options = {
        host: "localhost",
        port: this.pebble!.port,
        path: url,
        method,
        headers,
        ca: this.pebble!.caPem,
      };
      const call = send(options, (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk) => body += chunk);
        answer.on("end", () => {
          resolve({ status: answer.statusCode!, headers: answer.headers as Record<string, string>, body });
        });
      });
      call.on("error", reject);
      for (const chunk of chunks) call.write(chunk);
      call.end();
    });
  }
}
