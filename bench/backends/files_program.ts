/**
 * Program: PATH. Stands in for nginx where that is not installed: answers `/SIZE` with a body of that many bytes on a
 * Unix socket, `/sink` with ten, and `/status` with counts in the words of nginx's stub_status. It is several times
 * slower.
 */
import { createServer } from "node:http";
import process from "node:process";

const bodies = new Map<string, Uint8Array>();
const TEN = new Uint8Array(10).fill(120);
let requests = 0;
let connections = 0;

function bodyOf(name: string): Uint8Array | null {
  const known = bodies.get(name);
  if (known) return known;
  const size = Number(name);
  if (!Number.isInteger(size) || size < 0 || size > 1e8) return null;
  const body = new Uint8Array(size).fill(120);
  bodies.set(name, body);
  return body;
}

const server = createServer((request, response) => {
  requests++;
  const name = request.url?.slice(1) ?? "";
  const answer = (body: Uint8Array | string) => response.writeHead(200, { "content-length": body.length }).end(body);
  if (name === "status") return answer(`Active connections: ${connections}\nserver\n 0 0 ${requests} \n`);
  if (name === "sink") return request.on("end", () => answer(TEN)).resume();
  const body = bodyOf(name);
  if (body === null) response.writeHead(404).end();
  else answer(body);
});
server.keepAliveTimeout = 3_600_000;
server.on("connection", (socket) => {
  connections++;
  socket.on("close", () => connections--);
});
server.listen({ path: process.argv[2], backlog: 4096 });
