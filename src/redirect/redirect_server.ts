import { createServer, type Server, type Socket } from "node:net";
import { type Binding, bindServer, listenTo } from "../engines/shared/bind_server.ts";
import { watchAccepting } from "../engines/shared/watch_accepting.ts";
import { duplicateFd } from "../linux/duplicate_fd.ts";
import type { RedirectCounts } from "../metrics/sources.ts";
import { type Address, formatAddress } from "../net/address.ts";
import { explainListenError } from "../net/system_error.ts";
import { answerRequest, formatAnswer, type RedirectAnswer } from "./answer.ts";

const MAX_CONNECTIONS = 1024;
const MAX_HEAD_BYTES = 8 * 1024;
/** For a connection as a whole. */
const CONNECTION_MS = 10_000;
/** For what a client goes on sending after the answer: closed over unread bytes, it might not see that. */
const LINGER_MS = 1_000;

/** Answers plain HTTP with redirects, and forwards nothing. */
export interface RedirectServer {
  /** The bound address. */
  readonly address: Address;
  /** Stops listening, and ends what is open. */
  close(): Promise<void>;
}

/**
 * Listens, and answers each connection's first request.
 * @param fd an inherited listening socket, or `null` to bind `listen`
 * @param counts is counted up
 * @throws {Error} when the address can't be bound
 */
export async function startRedirect(
  listen: Address,
  fd: number | null,
  counts: RedirectCounts,
): Promise<RedirectServer> {
  const sockets = new Set<Socket>();
  const make = () => {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => serve(socket, sockets, counts));
    server.on("connection", () => watch?.accepted());
    return server;
  };
  let watch: Awaited<ReturnType<typeof watchAccepting>> = null;
  let server = make();
  const { address, bound, name } = await bind(server, listen, fd);
  watch = await watchAccepting(bound, async (fd) => {
    const next = make();
    await listenTo(next, { fd });
    const old = server;
    server = next;
    // Closing it could remove the name of a Unix socket, which belongs to the new one.
    if (listen.transport === "tcp") old.close();
  });
  return {
    address,
    async close() {
      watch?.stop();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      name.release();
      await closed;
    },
  };
}

function serve(socket: Socket, sockets: Set<Socket>, counts: RedirectCounts): void {
  socket.on("error", () => socket.destroy());
  if (sockets.size >= MAX_CONNECTIONS) {
    counts.rejected++;
    return void socket.destroy();
  }
  sockets.add(socket);
  counts.active = sockets.size;
  let head = "";
  let answered = false;
  const answer = (answer: RedirectAnswer) => {
    answered = true;
    counts.answers.set(answer.status, (counts.answers.get(answer.status) ?? 0) + 1);
    socket.end(formatAnswer(answer), "latin1");
    clearTimeout(timer);
    timer = setTimeout(() => socket.destroy(), LINGER_MS);
  };
  let timer = setTimeout(() => head === "" ? socket.destroy() : answer({ status: 408 }), CONNECTION_MS);
  socket.on("data", (chunk: Uint8Array) => {
    if (answered) return;
    head += String.fromCharCode(...chunk.subarray(0, MAX_HEAD_BYTES + 1));
    // An empty line in front is one too many of the request before (RFC 9112 section 2.2).
    const text = head.startsWith("\r\n") ? head.slice(2) : head;
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0 && end <= MAX_HEAD_BYTES) answer(answerRequest(text.slice(0, end)));
    else if (text.length > MAX_HEAD_BYTES) answer({ status: 431 });
  });
  socket.on("end", () => {
    if (answered || head === "") socket.destroy();
    else answer({ status: 400 });
  });
  socket.on("close", () => {
    clearTimeout(timer);
    sockets.delete(socket);
    counts.active = sockets.size;
  });
}

async function bind(server: Server, listen: Address, fd: number | null): Promise<Binding> {
  try {
    if (fd === null) return await bindServer(server, listen);
    await listenTo(server, { fd: await duplicateFd(fd) });
    return { address: listen, bound: listen, name: { release() {} } };
  } catch (error) {
    const reason = explainListenError(error, listen);
    throw new Error(`Cannot listen on ${formatAddress(listen)} for [redirect]: ${reason}`, { cause: error });
  }
}
