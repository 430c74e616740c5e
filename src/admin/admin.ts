/** The admin endpoint: live page, metrics, health and control over HTTP. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AdminConfig } from "../config/config.ts";
import { type Address, formatAddress } from "../net/address.ts";
import { explainListenError } from "../net/system_error.ts";
import { bindServer, listenTo } from "../engines/shared/bind_server.ts";
import { watchAccepting } from "../engines/shared/watch_accepting.ts";
import type { AdminControl, AdminSources } from "./control.ts";
import { refuseRequest } from "./refuse_request.ts";
import { RequestDeadlines } from "./request_deadlines.ts";
import { type Answer, routes } from "./routes.ts";

/** Most bytes of a request's header, and of its body, which no request needs. */
const MAX_HEADER = 8 * 1024;
const MAX_BODY = 4 * 1024;
const MAX_CONNECTIONS = 128;
/** How long a request may take to arrive, and how long the client may take to receive the answer. */
const REQUEST_MS = 5_000;
const ANSWER_MS = 15_000;
const KEEP_ALIVE_MS = 30_000;

/** A running admin endpoint. */
export interface Admin {
  /** The bound address. */
  readonly address: Address;
  close(): Promise<void>;
}

/**
 * Starts the admin endpoint.
 * @throws {Error} when the address cannot be bound
 */
export async function startAdmin(
  config: AdminConfig & { listen: Address },
  sources: AdminSources,
  control: AdminControl,
): Promise<Admin> {
  const { listen } = config;
  const table = routes(sources, control, config);
  const servers = [makeServer(table, listen, sources)];
  const { address, bound, name } = await bindServer(servers[0], listen).catch((error) => {
    const reason = explainListenError(error, listen);
    throw new Error(`Cannot listen on ${formatAddress(listen)} (admin.listen): ${reason}`, { cause: error });
  });
  const watch = await watchAccepting(bound, async (fd) => {
    const server = makeServer(table, listen, sources);
    server.on("connection", () => watch?.accepted());
    await listenTo(server, { fd });
    const [old] = servers;
    servers.unshift(server);
    // Closing the server before could remove the name of a Unix socket, which belongs to this server now.
    if (listen.transport === "tcp") old.close(() => servers.splice(servers.indexOf(old), 1));
  });
  servers[0].on("connection", () => watch?.accepted());
  return {
    address,
    async close() {
      watch?.stop();
      const open = [...servers];
      const closed = open.map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
      for (const server of open) server.closeAllConnections();
      await Promise.all(closed);
      name.release();
    },
  };
}

function makeServer(table: ReturnType<typeof routes>, listen: Address, sources: AdminSources): Server {
  const deadlines = new RequestDeadlines(REQUEST_MS, KEEP_ALIVE_MS);
  const server = createServer({
    maxHeaderSize: MAX_HEADER,
    headersTimeout: REQUEST_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: 1_000,
  }, (request, response) => {
    deadlines.began(request, response);
    handle(request, response, table, listen).catch((error) => {
      // A client that left within its request is no failure of the endpoint, and must not be able to fill the log.
      if (!request.complete) return response.destroy();
      sources.options.log.error("admin request failed", { event: "admin-error", path: request.url, error });
      if (!response.headersSent) send(response, { status: 500, body: "internal error\n" }, request);
      else response.destroy();
    });
  });
  server.on("connection", (socket) => deadlines.opened(socket));
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(ANSWER_MS + KEEP_ALIVE_MS);
  server.on("clientError", (error: Error & { code?: string }, socket) => {
    if (error.code === "ECONNRESET" || !socket.writable) return socket.destroy();
    socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    setTimeout(() => socket.destroy(), 100);
  });
  return server;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  table: ReturnType<typeof routes>,
  listen: Address,
): Promise<void> {
  const { headers, method = "" } = request;
  const refusal = refuseRequest({
    method,
    host: headers.host,
    origin: headers.origin,
    fetchSite: headers["sec-fetch-site"] as string | undefined,
  }, listen);
  if (refusal !== null) return send(response, { status: 403, body: `refused: ${refusal}\n` }, request);
  if (!await takeBody(request)) {
    return send(response, { status: 413, body: "refused: request body is too large\n", close: true }, request);
  }
  const [path, query = ""] = (request.url ?? "/").split("?", 2);
  const route = table.get(path);
  if (!route) return send(response, { status: 404, body: "not found\n" }, request);
  if (method !== route.method && !(method === "HEAD" && route.method === "GET")) {
    const allow = route.method === "GET" ? "GET, HEAD" : route.method;
    return send(response, { status: 405, body: `method not allowed: use ${allow}\n`, headers: { allow } }, request);
  }
  send(response, await route.answer(new URLSearchParams(query)), request);
}

/** Reads a body to its end and ignores it. Returns false where it is too large. */
async function takeBody(request: IncomingMessage): Promise<boolean> {
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > MAX_BODY) return false;
  }
  return true;
}

function send(response: ServerResponse, answer: Answer & { close?: boolean }, request: IncomingMessage): void {
  const body = typeof answer.body === "string" ? new TextEncoder().encode(answer.body) : answer.body;
  // A client that does not receive the answer in time is cut off.
  response.setTimeout(ANSWER_MS, () => response.destroy());
  response.writeHead(answer.status, {
    "content-type": answer.type ?? "text/plain; charset=utf-8",
    "content-length": body.length,
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    ...(answer.close ? { connection: "close" } : {}),
    ...answer.headers,
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
