/** The node engine: `node:tls` in front, `node:net` behind. It runs on Deno, Bun and Node. */
import net, { type Server } from "node:net";
import type { Address } from "../config/config.ts";
import { connectWithRetry } from "./connect_retry.ts";
import type { Conn, Listener, Runtime, TlsListenOptions } from "./contract.ts";
import { runtimeName } from "./detect.ts";
import { connectPlain } from "./node_plain_conn.ts";
import { NodeListener } from "./node_listener.ts";
import { NodeTls } from "./node_tls.ts";

const name = runtimeName();
// Its TLS allocates for each write.
if (name === "deno") new (await import("./libc.ts")).Libc().keepFreedMemory();

export const nodeRuntime: Runtime = {
  name,
  engine: "node",

  async listenTls(options: TlsListenOptions): Promise<Listener> {
    const tls = new NodeTls(options);
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    await listen(server, options);
    return new NodeListener(server, boundAddress(server, options.address), tls, options.backlog);
  },

  connect(target: Address, deadline: number): Promise<Conn> {
    return connectWithRetry(() => connectPlain(target, deadline), deadline);
  },
};

function listen(server: Server, { address, fd, backlog, reusePort }: TlsListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    if (fd !== undefined) server.listen({ fd, backlog });
    else if (address.transport === "unix") server.listen({ path: address.path, backlog });
    else server.listen({ host: address.hostname, port: address.port, backlog, reusePort });
  });
}

function boundAddress(server: Server, asked: Address): Address {
  const bound = server.address();
  if (bound === null || typeof bound === "string") return asked;
  return { transport: "tcp", hostname: bound.address, port: bound.port };
}
