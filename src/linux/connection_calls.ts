import { addressKey, type ConnectionEnds, type Endpoint, endpointKey } from "./endpoint_key.ts";
import { listOpenFds } from "./open_fds.ts";
import { ProcessCalls } from "./process_calls.ts";
import { isConnectionGone, queryUnsent } from "./sock_diag.ts";

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_LINGER = 13;
const SO_PEEK_OFF = 42;
const SO_BUF_LOCK = 72;
const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const TCP_QUICKACK = 12;
const AF_INET = 2;
const AF_INET6 = 10;
/** Where counting begins; more bytes are not counted. */
const PEEK_OFFSET = 1 << 30;
const SHUT_WR = 1;
const SHUT_RDWR = 2;
const SIOCOUTQ = 0x5411n;
export const F_DUPFD_CLOEXEC = 1030;
/** How many descriptors are looked at for one that was accepted a moment ago. */
const NEAR_FDS = 32;

/** A TCP connection, and how it is to be ended. */
export interface ConnectionToEnd {
  remote: Endpoint;
  local: Endpoint;
  /**
   * `fin`: nothing more is written, what was is sent. `free`: nothing more is read either, so that no peer can hold the
   * socket. `discard`: as `free`, and what the kernel still holds for the peer is thrown away. `reset`: the peer gets a
   * RST, and no FIN.
   */
  how: "fin" | "free" | "discard" | "reset";
}

/** The calls of libc that are about connections, and what those about listening sockets need as well. */
export class ConnectionCalls extends ProcessCalls {
  protected readonly address = new Uint8Array(128);
  protected readonly length = new Uint32Array(1);
  readonly #int = new Int32Array(1);

  /** Descriptors open now, from one directory listing (about 0.1 µs each, against 3 µs through `Deno.readDir`). */
  openFds(): number[] {
    return listOpenFds(this.symbols);
  }

  /**
   * Bounds what the kernel holds of received bytes (socket(7), SO_RCVBUF: twice as much, overhead included); it does
   * not grow any more. Of a listening socket the connections inherit it.
   * @returns whether the kernel did it
   */
  limitReceiveBuffer(fd: number, bytes: number): boolean {
    this.#int[0] = bytes;
    return this.symbols.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, this.#int, 4) === 0;
  }

  /**
   * Lets a bounded receive buffer grow again as the connection needs it (SO_BUF_LOCK, since Linux 5.15).
   * @returns whether the kernel did it
   */
  freeReceiveBuffer(fd: number): boolean {
    this.#int[0] = 0;
    return this.symbols.setsockopt(fd, SOL_SOCKET, SO_BUF_LOCK, this.#int, 4) === 0;
  }

  /**
   * The descriptor of a TCP connection that was accepted a moment ago, of which the runtime does not tell it. The kernel
   * gives a new descriptor the lowest number that is free (open(2)), so it is right below the next free one, or a few
   * numbers of older connections are in between.
   * @param open any descriptor that is open
   * @param remote the client's end
   * @returns `undefined` where it is not among the numbers right below the next free one
   */
  findAccepted(open: number, remote: Endpoint): number | undefined {
    const next = this.symbols.fcntl(open, F_DUPFD_CLOEXEC, 0);
    if (next < 0) return undefined;
    this.symbols.close(next);
    for (let fd = next - 1; fd >= Math.max(0, next - NEAR_FDS); fd--) if (this.isConnectedTo(fd, remote)) return fd;
    return undefined;
  }

  /** Whether a descriptor is that of a TCP connection with `remote`. */
  isConnectedTo(fd: number, remote: Endpoint): boolean {
    this.length[0] = this.address.length;
    if (this.symbols.getpeername(fd, this.address, this.length) !== 0) return false;
    // Most are told apart by the port, without making a text.
    return (this.address[2] << 8 | this.address[3]) === remote.port && this.endpoint() === endpointKey(remote);
  }

  /** Acknowledges what has come, without waiting for data to send along (tcp(7), TCP_QUICKACK). */
  acknowledge(fd: number): void {
    this.#int[0] = 1;
    this.symbols.setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, this.#int, 4);
  }

  /**
   * Bytes in a socket's send buffer that the other side has not acknowledged, or on a Unix socket not read (SIOCOUTQ:
   * tcp(7), unix(7)); `null` where the kernel does not tell.
   */
  unsentBytes(fd: number): number | null {
    return this.symbols.ioctl(fd, SIOCOUTQ, this.#int) === 0 ? this.#int[0] : null;
  }

  /** The same for TCP connections that are given by their addresses, because nobody knows their descriptors. */
  unsentBytesOf(connections: readonly ConnectionEnds[]): (number | null)[] {
    return queryUnsent(this.symbols, connections);
  }

  /** Whether a TCP connection has ended by a reset, however that was reported; `false` where the kernel does not tell. */
  isReset(ends: ConnectionEnds): boolean {
    return isConnectionGone(this.symbols, ends);
  }

  /**
   * Ends TCP connections of this process without the runtime's knowledge. All are found in one scan of the descriptors.
   * A connection that the peer has reset is not found any more: it has no remote address.
   * @returns how many were found
   */
  endConnections(connections: Iterable<ConnectionToEnd>): number {
    const wanted = new Map<string, ConnectionToEnd["how"]>();
    for (const { remote, local, how } of connections) wanted.set(`${endpointKey(remote)} ${endpointKey(local)}`, how);
    return this.#eachConnection(new Set(wanted.keys()), (fd, key) => this.endConnection(fd, wanted.get(key)!));
  }

  /** Ends a TCP connection by its descriptor, which stays the runtime's to close. */
  endConnection(fd: number, how: ConnectionToEnd["how"]): void {
    // The address family AF_UNSPEC dissolves the connection (connect(2)): the peer gets a RST. A close with SO_LINGER
    // would do the same, if Deno's did not send FIN first.
    if (how === "reset") return void this.symbols.connect(fd, new Uint8Array(16), 16);
    // SO_LINGER with zero (socket(7)): the close that follows discards the send buffer, which a stalled reader has
    // filled.
    if (how === "discard") this.symbols.setsockopt(fd, SOL_SOCKET, SO_LINGER, new Int32Array([1, 0]), 8);
    this.symbols.shutdown(fd, how === "fin" ? SHUT_WR : SHUT_RDWR);
  }

  /** Bytes that have come on a TCP connection, by its descriptor; `null` where the kernel does not tell. */
  bytesReceived(fd: number): number | null {
    const info = new Uint32Array(48);
    this.length[0] = info.byteLength;
    // struct tcp_info: tcpi_bytes_received is at byte 128, since Linux 4.1.
    if (this.symbols.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, this.length) !== 0) return null;
    return this.length[0] < 136 ? null : info[32] + info[33] * 2 ** 32;
  }

  /**
   * Begins to count what is received on a Unix socket, for {@linkcode ConnectionCalls.countedBytes}. The kernel moves
   * the offset of the next peek back by every byte that is read (socket(7), SO_PEEK_OFF), and nobody peeks.
   */
  countBytes(fd: number): void {
    this.#int[0] = PEEK_OFFSET;
    this.symbols.setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, this.#int, 4);
  }

  /** Bytes that were read from a Unix socket since; `null` where the kernel does not tell. */
  countedBytes(fd: number): number | null {
    const offset = this.getInt(fd, SOL_SOCKET, SO_PEEK_OFF);
    return offset === null || offset < 0 ? null : PEEK_OFFSET - offset;
  }

  /**
   * Finds the TCP connections of this process on which nothing has come, in one scan of the descriptors.
   * @returns those that are surely silent
   */
  silentConnections<Connection extends { remote: Endpoint; local: Endpoint }>(
    connections: readonly Connection[],
  ): Set<Connection> {
    const wanted = new Map(connections.map((one) => [`${endpointKey(one.remote)} ${endpointKey(one.local)}`, one]));
    const silent = new Set<Connection>();
    this.#eachConnection(new Set(wanted.keys()), (fd, key) => {
      if (this.bytesReceived(fd) === 0) silent.add(wanted.get(key)!);
    });
    return silent;
  }

  /**
   * Calls `found` for each TCP connection whose remote and local address, as {@linkcode endpointKey} has them, are
   * wanted.
   */
  #eachConnection(wanted: ReadonlySet<string>, found: (fd: number, key: string) => void): number {
    const remotes = new Set([...wanted].map((key) => key.slice(0, key.indexOf(" "))));
    let count = 0;
    for (const fd of this.openFds()) {
      const remote = this.name("getpeername", fd);
      if (remote === null || !remotes.has(remote)) continue;
      const key = `${remote} ${this.name("getsockname", fd)}`;
      if (!wanted.has(key)) continue;
      found(fd, key);
      count++;
    }
    return count;
  }

  protected setInt(fd: number, level: number, option: number, value: number): void {
    this.#int[0] = value;
    if (this.symbols.setsockopt(fd, level, option, this.#int, 4) !== 0) {
      throw new Error(`Cannot set socket option ${level}/${option} to ${value} on descriptor ${fd}`);
    }
  }

  protected getInt(fd: number, level: number, option: number): number | null {
    this.length[0] = 4;
    return this.symbols.getsockopt(fd, level, option, this.#int, this.length) === 0 ? this.#int[0] : null;
  }

  protected name(call: "getsockname" | "getpeername", fd: number): string | null {
    this.length[0] = this.address.length;
    return this.symbols[call](fd, this.address, this.length) === 0 ? this.endpoint() : null;
  }

  /** The end in the address that the kernel has written; `null` where it is none of TCP. */
  private endpoint(): string | null {
    const family = this.address[0] | this.address[1] << 8;
    const port = this.address[2] << 8 | this.address[3];
    if (family === AF_INET) return addressKey(this.address.subarray(4, 8), port);
    if (family === AF_INET6) return addressKey(this.address.subarray(8, 24), port);
    return null;
  }
}
