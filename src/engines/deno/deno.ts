/** The native engine on Deno: `Deno.listenTls` for clients, `Deno.connect` for backends. */
import type { Address } from "../../net/address.ts";
import { type Conn, type Engine, type Listener, UnsupportedError } from "../contract.ts";
import type { TlsListenOptions } from "../../tls/listen_options.ts";
import { unmetOption } from "../../tls/unmet_option.ts";
import { DenoTlsConn } from "./deno_conn.ts";
import { connectDeno } from "./deno_connect.ts";
import { throwConnError } from "./deno_error.ts";
import { libc } from "../../linux/thread_libc.ts";
import { waitForConnection } from "./poll_deno.ts";

export const denoEngine: Engine = {
  // deno-lint-ignore require-await
  async listenTls(options: TlsListenOptions): Promise<Listener> {
    const { address } = options;
    const unmet = unmetOption(options, "native", "deno");
    if (unmet !== null || address.transport !== "tcp") throw new UnsupportedError(`Cannot listen: ${unmet}`);
    const before = new Set(libc.openFds());
    const listener = listenTls(options, address);
    try {
      const fd = libc.newListenerFd(listener.addr, before);
      if (fd === undefined) throw new Error(`Cannot find the descriptor of the listener on port ${address.port}`);
      // Deno has no API for these options. With Nagle's algorithm each answer of more than a segment waits 40 ms for an
      // ACK.
      libc.setTcpOptions(fd);
      return new DenoListener(listener, fd);
    } catch (error) {
      listener.close();
      throw error;
    }
  },

  connect: connectDeno,
};

/** What rustls says of a certificate that it cannot read: `Other(OtherError(UnsupportedCriticalExtension))`. */
const REFUSED_CERTIFICATE = /^invalid peer certificate: .*?(\w+)\)*$/;

function listenTls(options: TlsListenOptions, { hostname, port }: Address & { transport: "tcp" }): Deno.TlsListener {
  try {
    return Deno.listenTls({
      hostname,
      port,
      cert: options.certificates[0].cert,
      key: options.certificates[0].key,
      alpnProtocols: options.alpn.length > 0 ? options.alpn : undefined,
      tcpBacklog: options.backlog,
      reusePort: options.reusePort,
    });
  } catch (error) {
    // It is the server's own, whatever Deno calls it.
    const [, why] = REFUSED_CERTIFICATE.exec((error as Error).message) ?? [];
    throw why === undefined ? error : new UnsupportedError(`Deno cannot show this certificate: ${why}`);
  }
}

class DenoListener implements Listener {
  readonly address: Address;
  readonly #listener: Deno.TlsListener;
  #closed = false;

  constructor(listener: Deno.TlsListener, readonly fd: number) {
    this.#listener = listener;
    this.address = { transport: "tcp", hostname: listener.addr.hostname, port: listener.addr.port };
  }

  accept(): Promise<Conn> {
    return this.#listener.accept().then(newConn, throwConnError);
  }

  async readable(): Promise<void> {
    while (!this.#closed && !await waitForConnection(this.fd));
  }

  close(): void {
    this.#closed = true;
    this.#listener.close();
  }
}

function newConn(inner: Deno.TlsConn): Conn {
  return new DenoTlsConn(inner);
}
