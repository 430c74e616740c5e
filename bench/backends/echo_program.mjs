/**
 * Program for Node, Deno and Bun: the application of the article's experiment. It answers each request with its body.
 *
 * echo_program.mjs PROCESSES http PORT | https PORT CERT KEY | sock PATH
 */
import { Buffer } from "node:buffer";
import cluster from "node:cluster";
import { chmodSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createSecureServer } from "node:https";
import process from "node:process";

const [processes, mode, address, cert, key] = process.argv.slice(2);

function echo(request, response) {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const body = Buffer.concat(chunks);
    response.writeHead(200, { "content-length": body.length, "content-type": "application/octet-stream" });
    response.end(body);
  });
}

function serve() {
  const server = mode === "https"
    ? createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) }, echo)
    : createServer(echo);
  // Connections must outlast the pauses of a load generator that has 3 000 of them.
  server.keepAliveTimeout = 120_000;
  if (mode !== "sock") return server.listen({ host: "127.0.0.1", port: Number(address), backlog: 4096 });
  // Bun's processes can't share a Unix socket: each has its own there.
  const path = process.versions.bun && cluster.isWorker ? `${address}.${cluster.worker.id}` : address;
  server.listen({ path, backlog: 4096 }, () => chmodSync(path, 0o666));
}

if (Number(processes) > 1 && cluster.isPrimary) {
  for (let index = 0; index < Number(processes); index++) cluster.fork();
} else {
  serve();
}
