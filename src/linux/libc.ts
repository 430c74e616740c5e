/**
 * The calls of libc on sockets that Deno and Bun have no API for, through FFI: those about listening sockets, and
 * steering new connections to them. Linux, x86-64 and arm64: the constants below are theirs.
 */
import ipaddr from "ipaddr.js";
import type { Address } from "../net/address.ts";
import { attachProgram } from "./attach_program.ts";
import { ConnectionCalls, F_DUPFD_CLOEXEC } from "./connection_calls.ts";
import { type Endpoint, endpointKey } from "./endpoint_key.ts";
import { listHalfOpen } from "./sock_diag.ts";
import { sendUnixDatagram } from "./unix_datagram.ts";

const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const SO_REUSEPORT = 15;
const SO_ATTACH_FILTER = 26;
const SO_ACCEPTCONN = 30;
const SO_ATTACH_REUSEPORT_CBPF = 51;
const IPPROTO_TCP = 6;
const TCP_NODELAY = 1;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
const TCP_INFO = 11;
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM_CLOEXEC = 1 | 0o2000000;
const SHUT_RDWR = 2;
const POLLIN = 1;

/** Everything that the program asks of libc. One per thread; the descriptors are shared by all of them. */
export class Libc extends ConnectionCalls {
  /** Opens the functions that listening takes, for a thread that waits: on Deno each is opened by its first use. */
  openForListening(): void {
    const { symbols } = this;
    for (const name of ["open", "getdents64", "close", "getsockname", "getsockopt", "setsockopt"] as const) {
      symbols[name];
    }
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
      this.name("getsockname", fd) === wanted && this.getInt(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1 &&
      this.getInt(fd, IPPROTO_TCP, TCP_NODELAY) === 0;
    const fds = this.openFds();
    return fds.find((fd) => !openBefore.has(fd) && isNew(fd)) ?? fds.find((fd) => openBefore.has(fd) && isNew(fd));
  }

  /** Listening sockets of any kind. */
  listeningFds(): number[] {
    return this.openFds().filter((fd) => this.getInt(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1);
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
    this.setInt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    this.setInt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    this.setInt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    this.setInt(fd, IPPROTO_TCP, TCP_KEEPINTVL, 15);
    this.setInt(fd, IPPROTO_TCP, TCP_KEEPCNT, 4);
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
   * Another descriptor of the same open socket (fcntl(2)): it stays open until that is closed as well. No program that
   * this process starts inherits it.
   * @throws {Error} when there is none left
   */
  duplicate(fd: number): number {
    const copy = this.symbols.fcntl(fd, F_DUPFD_CLOEXEC, 0);
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
    const fd = this.symbols.socket(AF_INET, SOCK_STREAM_CLOEXEC, 0);
    if (fd < 0) return true;
    try {
      this.setInt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
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
    this.length[0] = info.byteLength;
    // struct tcp_info: of a listening socket tcpi_unacked, at byte 24, is the length of the queue (ss(8) shows it so).
    return this.symbols.getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, this.length) === 0 ? info[6] : 0;
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
    if (this.getInt(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 1) return false;
    if (address.transport === "tcp") {
      return ipaddr.isValid(address.hostname) && this.name("getsockname", fd) === endpointKey(address);
    }
    this.length[0] = this.address.length;
    if (this.symbols.getsockname(fd, this.address, this.length) !== 0 || this.address[0] !== AF_UNIX) return false;
    const name = new TextDecoder().decode(this.address.subarray(2, this.length[0]));
    return name === address.path || name === `${address.path}\0`;
  }
}
