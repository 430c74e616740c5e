/**
 * Program for Deno: PORT CERT KEY BACKEND. The least that a TLS proxy on `Deno.listenTls` can do: reads and writes,
 * with no deadline, limit, record or counter. What tls-off costs beyond this is caused by its own code, the rest by the
 * runtime.
 */
const LARGEST_READ = 65_536;

const [port, cert, key, path] = Deno.args;
const listener = Deno.listenTls({
  hostname: "127.0.0.1",
  port: Number(port),
  cert: Deno.readTextFileSync(cert),
  key: Deno.readTextFileSync(key),
  tcpBacklog: 4096,
});
const { symbols } = Deno.dlopen("libc.so.6", {
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
});
// TCP_NODELAY, on whichever descriptor is the listening socket: the others are no TCP sockets, and refuse.
for (let fd = 3; fd < 64; fd++) symbols.setsockopt(fd, 6, 1, new Int32Array([1]), 4);

/** Passes the end of one side on as a half-close, and a failure as the end of both. */
function relay(from: Deno.Conn, to: Deno.Conn, ended: () => void, failed: () => void): void {
  let buffer = new Uint8Array(512);
  let rest = buffer;
  const read = (): void => void from.read(buffer).then(received, failed);
  const received = (count: number | null): void => {
    if (count === null) return void to.closeWrite().then(ended, failed);
    rest = buffer.subarray(0, count);
    if (count === buffer.length) buffer = new Uint8Array(Math.min(4 * count, LARGEST_READ));
    to.write(rest).then(written, failed);
  };
  const written = (count: number): void => {
    if (count === rest.length) return read();
    rest = rest.subarray(count);
    to.write(rest).then(written, failed);
  };
  read();
}

/** While the application's accept queue is full, connections are refused. */
function connect(): Promise<Deno.Conn> {
  return Deno.connect({ transport: "unix", path })
    .catch(() => new Promise((resolve) => setTimeout(() => resolve(connect()), 5)));
}

for await (const client of listener) {
  // As in every proxy, the application is connected to after the handshake.
  client.handshake().then(connect).then((backend) => {
    let open = 2;
    const over = () => {
      if (open < 0) return;
      open = -1;
      client.close();
      backend.close();
    };
    const ended = () => {
      if (--open === 0) over();
    };
    relay(client, backend, ended, over);
    relay(backend, client, ended, over);
  }, () => client.close());
}
