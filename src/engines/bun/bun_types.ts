/** The part of Bun's API that the native engine uses (bun.com/docs/api/tcp), as of Bun 1.4. */

export interface BunSocket<Data> {
  data: Data;
  /** The socket's descriptor. */
  readonly fd: number;
  /** `undefined` on a Unix socket. */
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly localAddress?: string;
  readonly localPort?: number;
  readonly alpnProtocol?: string | false | null;
  /**
   * Returns how many bytes were taken: 0 when the socket is full, -1 when it is closed. The rest goes after `drain`.
   */
  write(bytes: Uint8Array): number;
  pause(): void;
  resume(): void;
  /** Half-close: close_notify and FIN. */
  shutdown(): void;
  /** Closes. */
  end(): void;
  /** Closes with RST, in every state. */
  terminate(): void;
  setKeepAlive(enable: boolean, initialDelayMs: number): boolean;
  getTLSVersion(): string | null;
  getCipher(): { name: string | null } | null;
  getServername(): string | null | undefined;
  /** With the issuers, where it is not to be abbreviated. */
  getPeerCertificate(abbreviated: boolean): { raw?: Uint8Array } | null | undefined;
  isSessionReused(): boolean;
}

type BunError = Error & { code?: string };

export interface BunHandlers<Data> {
  open(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, chunk: Uint8Array): void;
  drain(socket: BunSocket<Data>): void;
  /** The peer has ended. */
  end(socket: BunSocket<Data>): void;
  close(socket: BunSocket<Data>, error?: BunError): void;
  error(socket: BunSocket<Data>, error: BunError): void;
  /** `success` with an error means that the handshake is done but the certificate was not verified. */
  handshake?(socket: BunSocket<Data>, success: boolean, error: BunError | null): void;
  /** Without this handler the failure of a connect also counts as unhandled. */
  connectError?(socket: BunSocket<Data>, error: BunError): void;
}

export interface BunTlsOptions {
  cert: string;
  key: string;
  ca?: string;
  /** Cipher suites, by OpenSSL's names. */
  ciphers?: string;
  /** How long a session can be resumed, in seconds. Bun's own value for TLS 1.3 is two days. */
  sessionTimeout?: number;
  requestCert?: boolean;
  rejectUnauthorized?: boolean;
  /** The number of the protocol: 0x0303 is TLS 1.2. */
  minVersion?: number;
  maxVersion?: number;
  /** The wire format of RFC 7301 section 3.1: the length of each name, then the name. */
  ALPNProtocols?: Uint8Array;
}

type BunAddress = { unix: string } | { hostname: string; port: number };

interface BunListener {
  readonly hostname: string;
  readonly port: number;
  readonly fd: number;
  stop(closeActiveConnections?: boolean): void;
}

/** The type of `globalThis.Bun`. */
export interface BunApi {
  listen<Data>(
    options: BunAddress & {
      reusePort?: boolean;
      allowHalfOpen: boolean;
      data?: Data;
      tls: BunTlsOptions;
      socket: BunHandlers<Data>;
    },
  ): BunListener;
  connect<Data>(
    options: BunAddress & { allowHalfOpen: boolean; data: Data; socket: BunHandlers<Data> },
  ): Promise<BunSocket<Data>>;
}
