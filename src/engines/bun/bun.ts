/** The native engine on Bun: `Bun.listen` for clients, `Bun.connect` for backends. */
import { ClientVerifier } from "../../tls/verify/client_verifier.ts";
import { CIPHERS, SESSION_SECONDS } from "../../tls/ciphers.ts";
import { AcceptQueue } from "../shared/accept_queue.ts";
import { acknowledgeSoon } from "../shared/acknowledge_soon.ts";
import { BunConn, HANDLERS, type Socket } from "./bun_conn.ts";
import { connectBun } from "./bun_connect.ts";
import type { BunApi, BunTlsOptions } from "./bun_types.ts";
import { ConnError, type Engine, type Listener, UnsupportedError } from "../contract.ts";
import { type AskedFor, askedFor, type PeerCertificate, type TlsInfo } from "../../tls/tls_info.ts";
import { peerChain, verifyClient } from "../shared/client_certificate.ts";
import type { TlsListenOptions } from "../../tls/listen_options.ts";
import { unmetOption } from "../../tls/unmet_option.ts";
import { DescriptorWatch } from "../shared/descriptor_watch.ts";
import { libc } from "../../linux/thread_libc.ts";
import { nodeConnError } from "../shared/node_error.ts";
import {
  BULK_BYTES,
  BULK_RECEIVE_BUFFER_BYTES,
  FIRST_BYTES,
  FIRST_RECEIVE_BUFFER_BYTES,
} from "../shared/receive_buffers.ts";
import { bindUnixPath } from "../../linux/unix_socket.ts";

/** An application that has left no more than this in the kernel reads what it is sent. */
const FEW_BYTES = 64 * 1024;

const { Bun } = globalThis as unknown as { Bun: BunApi };

export const bunEngine: Engine = {
  async listenTls(options: TlsListenOptions): Promise<Listener> {
    const unmet = unmetOption(options, "native", "bun");
    if (unmet !== null) throw new UnsupportedError(`Cannot listen: ${unmet}`);
    const { address, backlog, reusePort } = options;
    const queue = new AcceptQueue<BunTlsConn>(backlog);
    const { ca, crl } = options.clientAuth;
    const verifier = ca === null ? null : new ClientVerifier(ca, crl);
    // Whether the kernel can be told to let a receive buffer grow that was bounded.
    let canBound = false;
    const listen = (where: { unix: string } | { hostname: string; port: number }) =>
      Bun.listen<BunConn>({
        ...where,
        reusePort: reusePort && address.transport === "tcp",
        allowHalfOpen: true,
        tls: tlsOptions(options),
        socket: {
          ...HANDLERS,
          open(socket) {
            const conn = new BunTlsConn(socket, verifier, canBound);
            if (!queue.push(conn)) conn.close();
          },
          handshake: (socket, success, error) => (socket.data as BunTlsConn).handshaken(success, error),
        },
      });
    const { bound: listener, name } = address.transport === "unix"
      ? await bindUnixPath(address.path, (unix) => listen({ unix }), options.access)
      : { bound: listen({ hostname: address.hostname, port: address.port }), name: null };
    // Bun has no option for the backlog, and uses 512.
    libc.setBacklog(listener.fd, backlog);
    if (address.transport === "tcp") {
      libc.setTcpOptions(listener.fd);
      canBound = libc.freeReceiveBuffer(listener.fd);
    }
    const watch = new DescriptorWatch((error) => queue.fail(error));
    return {
      address: address.transport === "unix" ? address : { ...address, port: listener.port },
      fd: listener.fd,
      accept: () => queue.accept(),
      acceptTo: (acceptor) => queue.handTo(acceptor),
      close() {
        watch.stop();
        name?.release();
        listener.stop();
        queue.close();
      },
    };
  },

  connect: connectBun,
};

/** A client's connection. Its handshake begins when it is accepted. */
class BunTlsConn extends BunConn {
  /** Set where clients are asked for a certificate. */
  private readonly verifier: ClientVerifier | null;
  private outcome: TlsInfo | ConnError | null = null;
  private waiter: PromiseWithResolvers<TlsInfo> | null = null;

  /** What the client of a failed handshake has asked for. */
  private failedName: AskedFor | null = null;
  /** Whether bytes have come after the handshake. */
  private hasSent = false;
  /** Bytes until the receive buffer is bounded or let grow; `Infinity` where neither is to be done any more. */
  private bytesToBound: number;
  private isBounded = false;

  /** @param canBound whether the socket's receive buffer may be bounded */
  constructor(socket: Socket, verifier: ClientVerifier | null, canBound: boolean) {
    super(socket);
    if (this.remote.hostname === "") libc.countBytes(socket.fd);
    this.verifier = verifier;
    this.bytesToBound = canBound ? FIRST_BYTES : Infinity;
  }

  override received(chunk: Uint8Array): void {
    this.hasSent = true;
    this.bytesToBound -= chunk.length;
    if (this.bytesToBound <= 0) {
      if (this.isBounded) this.freeBuffer();
      else this.boundBuffer();
    }
    super.received(chunk);
  }

  /** Keeps the receive buffer from growing, until it is known whether the application keeps up. */
  private boundBuffer(): void {
    libc.limitReceiveBuffer(this.socket.fd, FIRST_RECEIVE_BUFFER_BYTES);
    this.isBounded = true;
    this.bytesToBound += BULK_BYTES - FIRST_BYTES;
  }

  /** Lets the receive buffer grow with the transfer, for one that the application keeps up with. */
  private freeBuffer(): void {
    // An application's connection has a descriptor, and answers at once.
    const unsent = this.sink?.unsent();
    if (typeof unsent !== "number" || unsent > FEW_BYTES) return;
    libc.limitReceiveBuffer(this.socket.fd, BULK_RECEIVE_BUFFER_BYTES);
    libc.freeReceiveBuffer(this.socket.fd);
    this.bytesToBound = Infinity;
  }

  asked(): AskedFor {
    return this.failedName ?? askedFor(this.isOpen ? this.socket.getServername() || null : null);
  }

  override handshake(): Promise<TlsInfo> {
    if (this.outcome instanceof ConnError) return Promise.reject(this.outcome);
    if (this.outcome !== null) return Promise.resolve(this.outcome);
    return (this.waiter = Promise.withResolvers()).promise;
  }

  handshaken(success: boolean, error: Error | null): void {
    if (!success) {
      this.failedName = this.asked();
      this.endsItself = true;
      return this.fail(nodeConnError(error));
    }
    if (this.remote.hostname !== "") acknowledgeSoon(this);
    const info = this.info();
    if (this.verifier !== null) {
      const chain = peerChain(this.socket.getPeerCertificate(false));
      try {
        if (chain.length > 0) info.peer = this.verify(this.verifier, chain, error);
      } catch (refusal) {
        // Where Bun has refused it too, it closes the connection next: the client must be told before that there is no
        // more.
        void this.closeWrite();
        return this.settle(refusal as ConnError);
      }
    }
    this.settle(info);
  }

  /** {@linkcode acknowledgeSoon} */
  acknowledge(): void {
    if (!this.hasSent && this.isOpen) libc.acknowledge(this.socket.fd);
  }

  private verify(verifier: ClientVerifier, chain: Uint8Array[], error: Error | null): PeerCertificate {
    if (error === null) return verifyClient(verifier, chain);
    throw new ConnError("certificate", `Client certificate was not verified: ${error.message}`);
  }

  protected override fail(failure: ConnError): void {
    super.fail(failure);
    if (this.outcome !== null) return;
    // Bun says "reset" of a client that has sent FIN as well, while the handshake is not done.
    if (failure.kind !== "reset" && failure.kind !== "broken-pipe") this.settle(failure);
    else this.settle(new ConnError("truncated", "Connection ended within the handshake", { cause: failure }));
  }

  private settle(outcome: TlsInfo | ConnError): void {
    if (this.outcome !== null) return;
    this.outcome = outcome;
    if (outcome instanceof ConnError) this.waiter?.reject(outcome);
    else this.waiter?.resolve(outcome);
    this.waiter = null;
  }

  private info(): TlsInfo {
    const { socket } = this;
    const info: TlsInfo = { resumed: socket.isSessionReused() };
    const version = socket.getTLSVersion();
    const cipher = socket.getCipher()?.name;
    const serverName = socket.getServername();
    if (version) info.version = oneOf(version);
    if (cipher) info.cipher = oneOf(cipher);
    if (serverName) info.sni = serverName;
    if (socket.alpnProtocol) info.alpn = socket.alpnProtocol;
    return info;
  }
}

const NAMES = new Map<string, string>();

/** Returns the same string for equal names. Bun makes new strings for each connection, which would keep them. */
function oneOf(name: string): string {
  const known = NAMES.get(name);
  if (known === undefined) NAMES.set(name, name);
  return known ?? name;
}

function tlsOptions({ certificates: [{ cert, key }], clientAuth, alpn, minVersion, maxVersion }: TlsListenOptions) {
  const options: BunTlsOptions = {
    cert,
    key,
    ciphers: CIPHERS,
    sessionTimeout: SESSION_SECONDS,
    minVersion: VERSION_NUMBERS[minVersion],
    maxVersion: VERSION_NUMBERS[maxVersion],
  };
  if (clientAuth.mode !== "none") {
    options.requestCert = true;
    options.rejectUnauthorized = clientAuth.mode === "required";
    if (clientAuth.ca !== null) options.ca = clientAuth.ca;
  }
  if (alpn.length > 0) {
    const names = alpn.map((name) => new TextEncoder().encode(name));
    options.ALPNProtocols = Uint8Array.from(names.flatMap((name) => [name.length, ...name]));
  }
  return options;
}

const VERSION_NUMBERS = { "1.2": 0x0303, "1.3": 0x0304 } as const;
