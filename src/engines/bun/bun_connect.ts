/** Connections to backends by `Bun.connect`, for both engines on Bun. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import type { Address } from "../../net/address.ts";
import { type Conn, ConnError } from "../contract.ts";
import { libc } from "../../linux/thread_libc.ts";
import { connectWithRetry } from "../shared/connect_retry.ts";
import { explainRefusal } from "../shared/explain_refusal.ts";
import { nodeConnError } from "../shared/node_error.ts";
import { BunConn, HANDLERS, type Socket } from "./bun_conn.ts";
import type { BunApi, BunHandlers } from "./bun_types.ts";

const KEEP_ALIVE_DELAY_MS = 60_000;
/**
 * What the kernel may hold of a backend's bytes (SO_RCVBUF; it takes twice that with its own overhead). Bun reads up to
 * 512 KiB at once, and keeps what a client does not take: with the kernel's own bound of megabytes each stalled client
 * would cost that.
 */
const RECEIVE_BUFFER_BYTES = 64 * 1024;

const { Bun } = globalThis as unknown as { Bun: BunApi };

/**
 * Connects to a backend by `Bun.connect`. Both engines on Bun do so.
 * @param deadline that of {@linkcode Engine.connect}
 */
export function connectBun(target: Address, deadline: number): Promise<Conn> {
  return connectWithRetry(() => connectOnce(target, deadline), deadline);
}

async function connectOnce(target: Address, deadline: number): Promise<Conn> {
  let late = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const connecting = openSocket(target, () => late);
  try {
    const leftMs = Math.max(1, deadline - performance.now());
    const timeout = new Promise<never>((_, reject) => {
      if (!Number.isFinite(leftMs)) return;
      timer = setTimeout(() => {
        late = true;
        reject(new ConnError("timeout", "Connection timed out"));
      }, leftMs);
    });
    const socket = await Promise.race([connecting, timeout]);
    if (target.transport === "tcp") {
      socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
      libc.limitReceiveBuffer(socket.fd, RECEIVE_BUFFER_BYTES);
    }
    return socket.data;
  } catch (error) {
    if (late) connecting.then((socket) => socket.terminate(), () => {});
    throw explainRefusal(nodeConnError(error), target);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Opens a socket to a backend; of a host name's addresses the first that answers. Names are looked up for each
 * connection, since Bun would go on with the address of half a minute ago.
 * @param late whether nobody waits any more
 */
async function openSocket(target: Address, late: () => boolean): Promise<Socket> {
  const open = (where: { unix: string } | { hostname: string; port: number }) =>
    Bun.connect<BunConn>({ ...where, allowHalfOpen: true, data: null!, socket: CONNECT_HANDLERS });
  if (target.transport === "unix") return await open({ unix: target.path });
  const { hostname, port } = target;
  if (isIP(hostname) !== 0) return await open({ hostname, port });
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
  open: (socket) => void new BunConn(socket),
  connectError() {},
};
