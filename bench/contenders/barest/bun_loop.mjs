/**
 * Program for Bun: PORT CERT KEY BACKEND. The least that a TLS proxy on `Bun.listen` can do: see deno_loop.ts.
 */
import { readFileSync } from "node:fs";
import process from "node:process";

const [port, cert, key, unix] = process.argv.slice(2);

function send(target, chunk, source) {
  const taken = target.write(chunk);
  if (taken === chunk.length) return;
  target.data.rest = chunk.subarray(Math.max(taken, 0));
  source.pause();
}

/** Calls `shutdown` or `end`, which would leave out what the socket has not taken yet: that goes first. */
function finish(socket, how) {
  if (socket.data.rest === null) socket[how]();
  else socket.data.last = how;
}

const HANDLERS = {
  data: (socket, chunk) => send(socket.data.peer, chunk, socket),
  drain(socket) {
    const { rest, peer, last } = socket.data;
    if (rest === null) return;
    const taken = socket.write(rest);
    socket.data.rest = taken < rest.length ? rest.subarray(Math.max(taken, 0)) : null;
    if (socket.data.rest !== null) return;
    if (last === null) peer.resume();
    else socket[last]();
  },
  // The end of one side is passed on as a half-close.
  end: (socket) => finish(socket.data.peer, "shutdown"),
  // After a half-close this is the peer's end, and both sides are over. So they are after a failure.
  close: (socket) => finish(socket.data.peer, "end"),
  error() {},
};

Bun.listen({
  hostname: "127.0.0.1",
  port: Number(port),
  allowHalfOpen: true,
  tls: { cert: readFileSync(cert), key: readFileSync(key) },
  socket: {
    ...HANDLERS,
    open(client) {
      // What comes before there is a backend waits here: Bun gives out what came with the handshake, paused or not.
      const early = [];
      let last = null;
      const waiting = {
        data: { rest: null },
        write: (chunk) => early.push(chunk) && chunk.length,
        shutdown: () => last = "shutdown",
        end: () => last = "end",
      };
      client.data = { peer: waiting, rest: null, last: null };
      const open = (backend) => {
        if (last === "end") return backend.end();
        client.data.peer = backend;
        for (const chunk of early) send(backend, chunk, client);
        if (last !== null) finish(backend, last);
      };
      const data = { peer: client, rest: null, last: null };
      // A full accept queue refuses for the moment.
      const connect = () =>
        Bun.connect({ unix, allowHalfOpen: true, data, socket: { ...HANDLERS, open, connectError() {} } })
          .catch(() => setTimeout(connect, 5));
      connect();
    },
  },
});
