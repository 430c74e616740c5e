/**
 * The calls of libc on sockets that Deno and Bun have no API for, through FFI: options, freeing a socket that `close()`
 * does not free, steering new connections. Linux, x86-64 and arm64: the constants below are theirs.
 */
import ipaddr from "ipaddr.js";
import type { Address } from "../net/address.ts";
import { attachProgram } from "./attach_program.ts";
import { addressKey, type ConnectionEnds, type Endpoint, endpointKey } from "./endpoint_key.ts";
import { listOpenFds } from "./open_fds.ts";
import { ProcessCalls } from "./process_calls.ts";
import { listHalfOpen, queryUnsent } from "./sock_diag.ts";
import { sendUnixDatagram } from "./unix_datagram.ts";

const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_KEEPALIVE = 9;
const SO_LINGER = 13;
const SO_REUSEPORT = 15;
const SO_ATTACH_FILTER = 26;
const SO_ACCEPTCONN = 30;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const SO_PEEK_OFF = 42;
const SO_BUF_LOCK = 72;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
/** Where counting begins; more bytes are not counted. */
const PEEK_OFFSET = 1 << 30;
const SHUT_WR = 1;
const SHUT_RDWR = 2;
const SIOCOUTQ = 0x5411n;
const POLLIN = 1;

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

/** The process's view of its own sockets. One per thread; the descriptors are shared by all of them. */
export class Libc extends ProcessCalls {
  readonly #address = new Uint8Array(128);
  readonly #length = new Uint32Array(1);
  readonly #int = new Int32Array(1);

  /** Descriptors open now, from one directory listing (about 0.1 µs each, against 3 µs through `Deno.readDir`). */
  openFds(): number[] {
    return listOpenFds(this.symbols);
  }

  /**
   * The listening TCP socket bound to `address` that {@linkcode Libc.setTcpOptions} has not been called for: the one
   * that was opened last. `undefined` where there is none.
   * @param openBefore descriptors that were open then, as a hint where not to look first; another thread may have
   * closed one of them since, and the new socket its number
   */
  newListenerFd(address: Endpoint, openBefore: ReadonlySet<number>): number | undefined {
    const wanted = endpointKey(address);
    const isNew = (fd: number) =>
      this.#name("getsockname", fd) === wanted && this.#getInt(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1 &&
      this.#getInt(fd, IPPROTO_TCP, TCP_NODELAY) === 0;
    const fds = this.openFds();
    return fds.find((fd) => !openBefore.has(fd) && isNew(fd)) ?? fds.find((fd) => openBefore.has(fd) && isNew(fd));
  }

  /** Listening sockets of any kind. */
  listeningFds(): number[] {
    return this.openFds().filter((fd) => this.#getInt(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1);
  }

  /** Whether a connection waits to be accepted. */
  acceptable(fd: number): boolean {
    // struct pollfd (poll(2)): the descriptor, the events asked for, those found.
    const request = new Int32Array([fd, POLLIN]);
    return this.symbols.poll(request, 1n, 0) === 1;
  }

  /**
   * Turns Nagle's algorithm off and keepalive on; connections accepted from a listening socket inherit both (tcp(7)).
   * @throws {Error} when the kernel refuses
   */
  setTcpOptions(fd: number): void {
    this.#setInt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    this.#setInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    this.#setInt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    this.#setInt(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
    this.#setInt(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
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

  /**
   * Sets how many connections may wait at a listening socket (listen(2)); it goes on listening.
   * @throws {Error} when the kernel refuses
   */
  setBacklog(fd: number, backlog: number): void {
    if (this.symbols.listen(fd, backlog) !== 0) {
      throw new Error(`Cannot set the backlog of descriptor ${fd} to ${backlog}`);
    }
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
    this.#length[0] = info.byteLength;
    // struct tcp_info: tcpi_bytes_received is at byte 128, since Linux 4.1.
    if (this.symbols.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, this.#length) !== 0) return null;
    return this.#length[0] < 136 ? null : info[32] + info[33] * 2 ** 32;
  }

  /**
   * Begins to count what is received on a Unix socket, for {@linkcode Libc.countedBytes}. The kernel moves the offset
   * of the next peek back by every byte that is read (socket(7), SO_PEEK_OFF), and nobody peeks.
   */
  countBytes(fd: number): void {
    this.#int[0] = PEEK_OFFSET;
    this.symbols.setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, this.#int, 4);
  }

  /** Bytes that were read from a Unix socket since; `null` where the kernel does not tell. */
  countedBytes(fd: number): number | null {
    const offset = this.#getInt(fd, SOL_SOCKET, SO_PEEK_OFF);
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
      const remote = this.#name("getpeername", fd);
      if (remote === null || !remotes.has(remote)) continue;
      const key = `${remote} ${this.#name("getsockname", fd)}`;
      if (!wanted.has(key)) continue;
      found(fd, key);
      count++;
    }
    return count;
  }

  /**
   * Another descriptor of the same open socket (dup(2)): it stays open until that is closed as well.
   * @throws {Error} when there is none left
   */
  duplicate(fd: number): number {
    const copy = this.symbols.dup(fd);
    if (copy < 0) throw new Error(`Cannot duplicate descriptor ${fd}`);
    return copy;
  }

  /**
   * Ends a listening socket through one of its descriptors, and closes that. It stops listening at once, whoever else
   * has a descriptor of it: what waits in its queue is reset.
   */
  endListening(fd: number): void {
    this.symbols.shutdown(fd, SHUT_RDWR);
    this.symbols.close(fd);
  }

  /**
   * Whether the kernel lets a program choose the socket. Sandboxes that emulate Linux, such as gVisor and QEMU, may
   * not.
   */
  get steers(): boolean {
    return this.#steers ??= this.#trySteering();
  }
  #steers: boolean | null = null;

  #trySteering(): boolean {
    const fd = this.symbols.socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0) return true;
    try {
      this.#setInt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
      this.attachReuseportProgram(fd, Uint8Array.of(0x06, 0, 0, 0, 0, 0, 0, 0)); // BPF_RET | BPF_K, member 0
      return true;
    } catch {
      return false;
    } finally {
      this.symbols.close(fd);
    }
  }

  /**
   * Lets a program choose which member of a listener's SO_REUSEPORT group gets a new connection (socket(7),
   * SO_ATTACH_REUSEPORT_CBPF). It answers the member's number; for an invalid one the kernel chooses by its hash.
   * @param program classic BPF, 8 bytes an instruction
   * @throws {Error} when the kernel refuses
   */
  attachReuseportProgram(fd: number, program: Uint8Array<ArrayBuffer>): void {
    attachProgram(this.symbols, fd, SO_ATTACH_REUSEPORT_CBPF, program);
  }

  /**
   * Drops packets of a listener for which the program answers 0 (socket(7), SO_ATTACH_FILTER); the TCP header is its
   * byte 0.
   * @throws {Error} when the kernel refuses
   */
  attachFilter(fd: number, program: Uint8Array<ArrayBuffer>): void {
    attachProgram(this.symbols, fd, SO_ATTACH_FILTER, program);
  }

  /** Connections that wait to be accepted. */
  acceptQueueLength(fd: number): number {
    const info = new Uint32Array(32);
    this.#length[0] = info.byteLength;
    // struct tcp_info: of a listening socket tcpi_unacked, at byte 24, is the length of the queue (ss(8) shows it so).
    return this.symbols.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, this.#length) === 0 ? info[6] : 0;
  }

  /**
   * The clients whose TCP handshakes with a listening address are under way: they have our SYN-ACK, and we wait for
   * their ACK.
   * @throws {Error} where the kernel does not tell
   */
  halfOpen({ hostname, port }: Endpoint): Set<string> {
    return listHalfOpen(this.symbols, hostname.includes(":") ? AF_INET6 : AF_INET, port);
  }

  /**
   * Sends a datagram to a Unix socket.
   * @param path as unix(7) has it: an abstract name begins with NUL
   * @throws {Error} when nobody takes it
   */
  sendToUnix(path: string, bytes: Uint8Array<ArrayBuffer>): void {
    sendUnixDatagram(this.symbols, path, bytes);
  }

  /** Whether a descriptor is a socket that listens on `address`. */
  listensOn(fd: number, address: Address): boolean {
    if (this.#getInt(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 1) return false;
    if (address.transport === "tcp") {
      return ipaddr.isValid(address.hostname) && this.#name("getsockname", fd) === endpointKey(address);
    }
    this.#length[0] = this.#address.length;
    if (this.symbols.getsockname(fd, this.#address, this.#length) !== 0 || this.#address[0] !== AF_UNIX) return false;
    const name = new TextDecoder().decode(this.#address.subarray(2, this.#length[0]));
    return name === address.path || name === `${address.path}\0`;
  }

  #setInt(fd: number, level: number, option: number, value: number): void {
    this.#int[0] = value;
    if (this.symbols.setsockopt(fd, level, option, this.#int, 4) !== 0) {
      throw new Error(`Cannot set socket option ${level}/${option} to ${value} on descriptor ${fd}`);
    }
  }

  #getInt(fd: number, level: number, option: number): number | null {
    this.#length[0] = 4;
    return this.symbols.getsockopt(fd, level, option, this.#int, this.#length) === 0 ? this.#int[0] : null;
  }

  #name(call: "getsockname" | "getpeername", fd: number): string | null {
    this.#length[0] = this.#address.length;
    if (this.symbols[call](fd, this.#address, this.#length) !== 0) return null;
    const family = this.#address[0] | this.#address[1] << 8;
    const port = this.#address[2] << 8 | this.#address[3];
    if (family === AF_INET) return addressKey(this.#address.subarray(4, 8), port);
    if (family === AF_INET6) return addressKey(this.#address.subarray(8, 24), port);
    return null;
  }
}
