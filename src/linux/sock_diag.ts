/** Asks the kernel for TCP connections in a certain state (sock_diag(7)). */
import type { LibcSymbols } from "./libc_symbols.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const ANSWER_BYTES = 32 * 1024;

const SOCK_DIAG_BY_FAMILY = 20;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_DUMP = 0x300;
const IPPROTO_TCP = 6;
/** The state of a handshake that waits for the client's ACK (linux/inet_diag.h, net/tcp_states.h). */
const TCPF_SYN_RECV = 1 << 3;

/** Encodes a request for the handshakes under way at a local port (struct nlmsghdr, struct inet_diag_req_v2). */
function encodeHalfOpenRequest(family: number, port: number): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(72));
  view.setUint32(0, 72, true);
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
