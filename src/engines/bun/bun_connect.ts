/** Connections to backends by `Bun.connect`, for both engines on Bun. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Address } from "../../net/address.ts";
import { type Conn, ConnError } from "../contract.ts";
import { libc } from "../../linux/thread_libc.ts";
import { connectWithRetry } from "../shared/connect_retry.ts";
import { explainRefusal } from "../shared/explain_refusal.ts";
import { nodeConnError } from "../shared/node_error.ts";
import { type BunConn, HANDLERS, type Socket } from "./bun_conn.ts";
import { BunBackendConn } from "./bun_backend_conn.ts";
import type { BunApi, BunHandlers } from "./bun_types.ts";
import { ConnectDeadlines, type Expirable } from "./connect_deadlines.ts";

const KEEP_ALIVE_DELAY_MS = 60_000;
/**
 * What the kernel may hold of a backend's bytes (SO_RCVBUF; it takes twice that with its own overhead). Bun reads up to
 * 512 KiB at once, and keeps what a client does not take: with the kernel's own bound of megabytes each stalled client
 * would cost that.
 */
const RECEIVE_BUFFER_BYTES = 64 * 1024;

const { Bun } = globalThis as unknown as { Bun: BunApi };

const deadlines = new ConnectDeadlines();

/**
 * Connects to a backend by `Bun.connect`. Both engines on Bun do so.
 * @param deadline that of {@linkcode Engine.connect}
 */
export function connectBun(target: Address, deadline: number): Promise<Conn> {
  return connectWithRetry(() => new Attempt(target, deadline).outcome, deadline);
}

/** One connect. It has no timer of its own, nor an `async` function, since each new connection needs it. */
class Attempt implements Expirable {
  private readonly target: Address;
  private readonly result = Promise.withResolvers<Conn>();
  /** Whether the deadline has passed, so that the caller has its error already. */
  private over = false;

  constructor(target: Address, readonly deadline: number) {
    this.target = target;
    deadlines.add(this);
    openSocket(target, () => this.over).then((socket) => this.opened(socket), (error) => this.failed(error));
  }

  get outcome(): Promise<Conn> {
    return this.result.promise;
  }

  /** {@linkcode Expirable.expire} */
  expire(): void {
    this.over = true;
    this.result.reject(new ConnError("timeout", "Connection timed out"));
  }

  private opened(socket: Socket): void {
    if (this.over) return socket.terminate();
    deadlines.delete(this);
    if (this.target.transport === "tcp") {
      socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
      (socket.data as BunBackendConn).learnRemote();
      libc.limitReceiveBuffer(socket.fd, RECEIVE_BUFFER_BYTES);
    }
    this.result.resolve(socket.data);
  }

  private failed(error: unknown): void {
    if (this.over) return;
    deadlines.delete(this);
    this.result.reject(explainRefusal(nodeConnError(error), this.target));
  }
}

function openSocket(target: Address, late: () => boolean): Promise<Socket> {
  if (target.transport === "unix") return open({ unix: target.path });
  return isIP(target.hostname) === 0 ? openByName(target, late) : open(target);
}

function open(where: { unix: string } | { hostname: string; port: number }): Promise<Socket> {
  const at = "unix" in where ? where : { hostname: where.hostname, port: where.port };
  try {
    return Bun.connect<BunConn>({ ...at, allowHalfOpen: true, data: null!, socket: CONNECT_HANDLERS });
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Opens a socket to the first address of a host name that answers. Names are looked up for each connection, since Bun
 * would go on with the address of half a minute ago.
 * @param late tells whether the deadline has passed
 */
async function openByName(
  { hostname, port }: { hostname: string; port: number },
  late: () => boolean,
): Promise<Socket> {
  let failure: unknown;
  for (const { address } of await lookup(hostname, { all: true })) {
    if (late()) break;
    try {
      return await open({ hostname: address, port });
    } catch (error) {
      failure = error;
    }
  }
  throw failure ?? new ConnError("refused", `No address of host "${hostname}" was found`);
}

const CONNECT_HANDLERS: BunHandlers<BunConn> = {
  ...HANDLERS,
  open: (socket) => void new BunBackendConn(socket),
  connectError() {},
};
