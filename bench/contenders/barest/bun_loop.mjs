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

const HANDLERS = {
  data: (socket, chunk) => send(socket.data.peer, chunk, socket),
  drain(socket) {
    const { rest, peer } = socket.data;
    if (rest === null) return;
    const taken = socket.write(rest);
    socket.data.rest = taken < rest.length ? rest.subarray(Math.max(taken, 0)) : null;
    if (socket.data.rest === null) peer.resume();
  },
  close: (socket) => socket.data.peer.end(),
  error() {},
};

Bun.listen({
  hostname: "127.0.0.1",
  port: Number(port),
  tls: { cert: readFileSync(cert), key: readFileSync(key) },
  socket: {
    ...HANDLERS,
    open(client) {
      // What comes before there is a backend waits here: Bun gives out what came with the handshake, paused or not.
      const early = [];
      let left = false;
      const waiting = { write: (chunk) => early.push(chunk) && chunk.length, end: () => left = true };
      client.data = { peer: waiting, rest: null };
      const open = (backend) => {
        if (left) return backend.end();
        client.data.peer = backend;
        for (const chunk of early) send(backend, chunk, client);
      };
      // A full accept queue refuses for the moment.
      const connect = () =>
        Bun.connect({ unix, data: { peer: client, rest: null }, socket: { ...HANDLERS, open, connectError() {} } })
          .catch(() => setTimeout(connect, 5));
      connect();
    },
  },
});
