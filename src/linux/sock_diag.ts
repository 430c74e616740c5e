/** Asks the kernel about TCP connections (sock_diag(7)). */
import ipaddr from "ipaddr.js";
import type { ConnectionEnds, Endpoint } from "./endpoint_key.ts";
import type { LibcSymbols } from "./libc_symbols.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const MSG_DONTWAIT = 0x40;
const ANSWER_BYTES = 32 * 1024;
const REQUEST_BYTES = 72;
/** How many questions go to the kernel at once. Its answers have to fit into the socket's receive buffer. */
const ASKED_AT_ONCE = 32;

const SOCK_DIAG_BY_FAMILY = 20;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const IPPROTO_TCP = 6;
const ENOENT = 2;
/** The state of a handshake that waits for the client's ACK (linux/inet_diag.h, net/tcp_states.h). */
const TCPF_SYN_RECV = 1 << 3;
const TCP_LISTEN = 10;
/** struct nlmsghdr, and struct inet_diag_msg after it. */
const HEADER_BYTES = 16;
const FOUND_BYTES = HEADER_BYTES + 72;

/** Encodes a request for the handshakes under way at a local port (struct nlmsghdr, struct inet_diag_req_v2). */
function encodeHalfOpenRequest(family: number, port: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(REQUEST_BYTES));
  view.setUint32(0, REQUEST_BYTES, true);
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, true);
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, true);
  view.setUint8(16, family);
  view.setUint8(17, IPPROTO_TCP);
  view.setUint32(20, TCPF_SYN_RECV, true);
  view.setUint16(24, port);
  return new Uint8Array(view.buffer);
}

/**
 * Reads one datagram of the answer.
 * @param found receives the remote end of each connection, in a form in which ends can be compared
 * @returns whether more datagrams follow
 * @throws {Error} when the kernel refuses
 */
function decodeHalfOpenAnswer(bytes: Uint8Array, found: (remote: string) => void): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at + 16 <= bytes.length;) {
    const length = view.getUint32(at, true);
    const type = view.getUint16(at + 4, true);
    if (type === NLMSG_DONE) return false;
    if (type === NLMSG_ERROR) throw new Error(`Cannot list connections: error ${-view.getInt32(at + 16, true)}`);
    if (length < 16 + 72 || at + length > bytes.length) throw new Error("Cannot list connections: message is cut");
    // struct inet_diag_msg: the remote port is at 6, the remote address at 24.
    const message = at + 16;
    found(`${bytes.subarray(message + 24, message + 40).join(".")}:${view.getUint16(message + 6)}`);
    at += (length + 3) & ~3;
  }
  return true;
}

/**
 * Lists the remote ends of the TCP handshakes under way at a local port, in a form in which ends can be compared.
 * @param family of the listening socket
 * @throws {Error} where the kernel does not answer
 */
export function listHalfOpen(libc: LibcSymbols, family: number, port: number): Set<string> {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) throw new Error("Cannot list connections: no netlink socket");
  try {
    const request = encodeHalfOpenRequest(family, port);
    libc.send(fd, request, BigInt(request.length), 0);
    const remotes = new Set<string>();
    const answer = new Uint8Array(ANSWER_BYTES);
    for (;;) {
      const count = Number(libc.recv(fd, answer, BigInt(answer.length), 0));
      if (count <= 0) throw new Error("Cannot list connections: no answer");
      if (!decodeHalfOpenAnswer(answer.subarray(0, count), (remote) => remotes.add(remote))) return remotes;
    }
  } finally {
    libc.close(fd);
  }
}

/** Encodes a request for one connection (struct nlmsghdr, struct inet_diag_req_v2). */
function encodeConnectionRequest(bytes: Uint8Array, { local, remote }: ConnectionEnds): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, REQUEST_BYTES);
  const address = ({ hostname }: Endpoint) => ipaddr.parse(hostname).toByteArray();
  const source = address(local);
  view.setUint32(0, REQUEST_BYTES, true);
  view.setUint16(4, SOCK_DIAG_BY_FAMILY, true);
  view.setUint16(6, NLM_F_REQUEST, true);
  view.setUint8(16, source.length === 4 ? AF_INET : AF_INET6);
  view.setUint8(17, IPPROTO_TCP);
  view.setUint32(20, 0xffffffff, true);
  view.setUint16(24, local.port);
  view.setUint16(26, remote.port);
  bytes.set(source, 28);
  bytes.set(address(remote), 44);
  // There is no cookie (INET_DIAG_NOCOOKIE), because the addresses are enough.
  view.setUint32(64, 0xffffffff, true);
  view.setUint32(68, 0xffffffff, true);
}

/**
 * Asks about TCP connections. The kernel finds each by its addresses, which takes 5 µs however many connections and
 * descriptors there are.
 * @param read is told of each connection what the kernel says (struct inet_diag_msg); `null` where there is none
 * @returns what was read for each connection, in order; `null` where the kernel does not tell
 */
function askAbout<Told>(
  libc: LibcSymbols,
  connections: readonly ConnectionEnds[],
  read: (found: DataView | null) => Told,
): (Told | null)[] {
  const told: (Told | null)[] = connections.map(() => null);
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return told;
  const answer = new Uint8Array(ANSWER_BYTES);
  const view = new DataView(answer.buffer);
  try {
    for (let first = 0; first < connections.length; first += ASKED_AT_ONCE) {
      const asked = connections.slice(first, first + ASKED_AT_ONCE);
      const requests = new Uint8Array(asked.length * REQUEST_BYTES);
      for (const [index, ends] of asked.entries()) {
        encodeConnectionRequest(requests.subarray(index * REQUEST_BYTES), ends);
      }
      if (libc.send(fd, requests, BigInt(requests.length), 0) < 0) return told;
      // Each request is answered in its turn, before `send` returns.
      for (let index = first; index < first + asked.length; index++) {
        const length = Number(libc.recv(fd, answer, BigInt(answer.length), MSG_DONTWAIT));
        const found = readFound(view, length);
        if (found !== undefined) told[index] = read(found);
      }
    }
    return told;
  } finally {
    libc.close(fd);
  }
}

/**
 * Reads an answer of so many bytes.
 * @returns what it says of a connection (struct inet_diag_msg); `null`: there is none; `undefined`: it does not tell
 */
function readFound(answer: DataView, length: number): DataView | null | undefined {
  const type = length < HEADER_BYTES + 4 ? undefined : answer.getUint16(4, true);
  // struct nlmsgerr (netlink(7)) begins with the negative error.
  if (type === NLMSG_ERROR) return answer.getInt32(HEADER_BYTES, true) === -ENOENT ? null : undefined;
  if (type !== SOCK_DIAG_BY_FAMILY || length < FOUND_BYTES) return undefined;
  const found = new DataView(answer.buffer, HEADER_BYTES);
  // Where there is no such connection the kernel answers with the socket that listens at its local end, if there is one.
  return found.getUint8(1) === TCP_LISTEN ? null : found;
}

/**
 * Asks for the bytes in the send buffers of TCP connections that the peers have not acknowledged.
 * @returns a number for each connection, in order; `null` where the kernel does not know it, or does not tell
 */
export function queryUnsent(libc: LibcSymbols, connections: readonly ConnectionEnds[]): (number | null)[] {
  // struct inet_diag_msg: idiag_wqueue is at 60.
  return askAbout(libc, connections, (found) => found?.getUint32(60, true) ?? null);
}

/**
 * Whether the kernel has no TCP connection of these ends any more. A connection whose peer has sent FIN is one; after a
 * reset there is none.
 * @returns `false` also where the kernel does not tell
 */
export function isConnectionGone(libc: LibcSymbols, ends: ConnectionEnds): boolean {
  const [gone] = askAbout(libc, [ends], (found) => found === null);
  return gone ?? false;
}
