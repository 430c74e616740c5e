/** The node engine: `node:tls` for clients. It runs on Deno, Bun and Node. */
import net, { type ListenOptions, type Server } from "node:net";
import { formatAddress } from "../../net/address.ts";
import type { Address } from "../../net/address.ts";
import { AcceptWatch } from "../shared/accept_watch.ts";
import { type Engine, type Listener, UnsupportedError } from "../contract.ts";
import type { TlsListenOptions } from "../../tls/listen_options.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { duplicateFd } from "../../linux/duplicate_fd.ts";
import { connectNode } from "./node_plain_conn.ts";
import { NodeListener, type NodeListenerOptions } from "./node_listener.ts";
import { NodeTls, STREAM_OPTIONS } from "./node_tls.ts";
import { sharesPorts } from "../shared/shares_ports.ts";
import { bindUnixPath, type BoundName } from "../../linux/unix_socket.ts";

const name = runtimeName();
const libc = name === "node" ? null : (await import("../../linux/thread_libc.ts")).libc;
// Deno's TLS allocates a buffer for each write.
if (name === "deno") libc?.keepFreedMemory();

export const nodeEngine: Engine = {
  async listenTls(options: TlsListenOptions): Promise<Listener> {
    const { address, backlog, reusePort } = options;
    if (reusePort && address.transport === "tcp" && options.fd === undefined && !sharesPorts()) {
      throw new UnsupportedError(`Cannot share ${formatAddress(address)} among workers: Node can since 22.12 only`);
    }
    const tls = new NodeTls(options);
    const server = createServer();
    const before = new Set(libc?.listeningFds());
    let bound: BoundName | undefined;
    if (options.fd !== undefined) await listen(server, { fd: await duplicateFd(options.fd), backlog });
    else if (address.transport === "tcp") {
      await listen(server, { host: address.hostname, port: address.port, backlog, reusePort });
    } else {
      const listenAt = (path: string) => listen(server, { path, backlog });
      ({ name: bound } = await bindUnixPath(address.path, listenAt, options.access));
    }
    const fd = libc?.listeningFds().find((fd) => !before.has(fd));
    const listensAt = boundAddress(server, address);
    // An inherited socket stays its owner's.
    const isOwn = listensAt.transport === "tcp" && options.fd === undefined;
    let known: number | undefined;
    let clients: NodeListenerOptions["clients"];
    if (name === "deno" && libc !== null && isOwn) {
      known = libc.newListenerFd(listensAt, before);
      if (known !== undefined) libc.setTcpOptions(known);
    }
    if (name === "bun" && libc !== null && fd !== undefined) {
      // Bun ignores the option for the backlog, and uses 512.
      libc.setBacklog(fd, backlog);
      // Whether the kernel lets a receive buffer grow that was bounded.
      const canBound = isOwn && libc.freeReceiveBuffer(fd);
      if (listensAt.transport === "tcp") clients = { find: (remote) => libc.findAccepted(fd, remote), canBound };
    }
    return new NodeListener({
      server,
      watch: name === "deno" && fd !== undefined ? watchOf(fd, backlog) : undefined,
      name: bound,
      tls,
      clients,
      fd: known,
      address: listensAt,
      maxWaiting: backlog,
    });
  },

  // A native connection to a backend costs less, and can still be read when a write has failed.
  connect: name === "deno"
    ? (await import("../deno/deno_connect.ts")).connectDenoForNodeTls
    : name === "bun"
    ? (await import("../bun/bun_connect.ts")).connectBun
    : connectNode,
};

function createServer(): Server {
  // On Deno to stop a connection's reading, and to let it go on, costs each one 7 µs.
  return net.createServer({ allowHalfOpen: true, pauseOnConnect: name !== "deno", ...STREAM_OPTIONS });
}

function watchOf(fd: number, backlog: number): NodeListenerOptions["watch"] {
  return (revive) =>
    new AcceptWatch(libc!, fd, async (copy) => {
      const server = createServer();
      await listen(server, { fd: copy, backlog });
      revive(server);
    });
}

function listen(server: Server, options: ListenOptions & { fd?: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** The bound address. The kernel has chosen the port where 0 was asked for; a Unix socket has been renamed since. */
function boundAddress(server: Server, asked: Address): Address {
  const bound = server.address();
  if (asked.transport === "unix" || bound === null || typeof bound === "string") return asked;
  return { transport: "tcp", hostname: bound.address, port: bound.port };
}
