import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

/**
 * Starts the demo's application: an HTTP server on a Unix socket that answers each request with its body.
 * @param path of the socket, in a directory that no other user can write to
 * @throws {Error} when the socket cannot be bound
 */
export async function startEchoServer(path: string): Promise<Server> {
  const server = createServer(echo);
  // Uploads may be of any length, and take any time.
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve());
  });
  return server;
}

const GREETING = "tls-off demo: send a body and it comes back\n";

function echo(request: IncomingMessage, response: ServerResponse): void {
  response.on("error", () => request.destroy());
  request.on("error", () => response.destroy());
  response.setHeader("content-type", request.headers["content-type"] ?? "text/plain; charset=utf-8");
  if (request.method === "GET" || request.method === "HEAD") {
    request.resume();
    response.end(GREETING);
    return;
  }
  const length = request.headers["content-length"];
  if (length !== undefined) response.setHeader("content-length", length);
  request.pipe(response);
}
