/**
 * Program for Bun: PORT CERT KEY BACKEND. The least that a TLS proxy on `Bun.listen` can do: see deno_loop.ts.
 */
import { readFileSync } from "node:fs";
import process from "node:process";

const [port, cert, key, unix] = process.argv.slice(2);

function send(target, chunk, source) {
  const { rest } = target.data;
  // A pause may come too late: what Bun has read already it still gives out.
  if (rest.length > 0) return rest.push(chunk);
  const taken = target.write(chunk);
  // What is sent to a peer that has left is dropped.
  if (taken === chunk.length || taken < 0) return;
  rest.push(chunk.subarray(taken));
  source.pause();
}

/** Calls `shutdown` or `end`, which would leave out what the socket has not taken yet: that goes first. */
function finish(socket, how) {
  if (socket.data.rest.length === 0) socket[how]();
  else socket.data.last = how;
}

const HANDLERS = {
  data: (socket, chunk) => send(socket.data.peer, chunk, socket),
  drain(socket) {
    const { rest, peer, last } = socket.data;
    if (rest.length === 0) return;
    for (; rest.length > 0; rest.shift()) {
      const taken = socket.write(rest[0]);
      if (taken === rest[0].length) continue;
      rest[0] = rest[0].subarray(Math.max(taken, 0));
      return;
    }
    if (last === null) peer.resume();
    else socket[last]();
  },
  // The end of one side is passed on as a half-close.
  end(socket) {
    socket.data.ended = true;
    finish(socket.data.peer, "shutdown");
  },
  // After a half-close this is the peer's end, and both sides are over. So they are after a failure. Where a side has
  // ended before, the other's own end is waited for: closing a TCP socket over bytes that nobody has read resets it.
  close: (socket) => socket.data.ended || finish(socket.data.peer, "end"),
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
        data: { rest: [] },
        write: (chunk) => early.push(chunk) && chunk.length,
        shutdown: () => last = "shutdown",
        end: () => last = "end",
      };
      client.data = { peer: waiting, rest: [], last: null, ended: false };
      const open = (backend) => {
        if (last === "end") return backend.end();
        client.data.peer = backend;
        for (const chunk of early) send(backend, chunk, client);
        if (last !== null) finish(backend, last);
      };
      const data = { peer: client, rest: [], last: null, ended: false };
      // A full accept queue refuses for the moment.
      const connect = () =>
        Bun.connect({ unix, allowHalfOpen: true, data, socket: { ...HANDLERS, open, connectError() {} } })
          .catch(() => setTimeout(connect, 5));
      connect();
    },
  },
});
