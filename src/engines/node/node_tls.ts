/** Makes TLS sockets of `node:tls` for a listener, and reads what is known after a handshake. */
import type { Socket as RawSocket } from "node:net";
import { Buffer } from "node:buffer";
import { createHash, hkdfSync } from "node:crypto";
import tls from "node:tls";
import type { Challenge } from "../../tls/challenge/challenge.ts";
import { isValidation } from "../../tls/challenge/offer.ts";
import { CIPHERS, SESSION_SECONDS } from "../../tls/ciphers.ts";
import { CertificateIndex } from "../../tls/certificates/certificate_index.ts";
import { type Address, formatAddress } from "../../net/address.ts";
import { comparableServerName } from "../../net/server_names.ts";
import { quoteValue } from "../../net/quote_value.ts";
import type { ClientHello } from "../../tls/client_hello.ts";
import { RouteIndex } from "../../tls/route_index.ts";
import { AlertingSocket } from "./alerting_socket.ts";
import { LastingTlsSocket } from "./lasting_socket.ts";
import { ConnError, UnsupportedError } from "../contract.ts";
import type { TlsInfo } from "../../tls/tls_info.ts";
import type { TlsListenOptions } from "../../tls/listen_options.ts";
import { runtimeName } from "../../runtimes/name.ts";
import { ClientVerifier } from "../../tls/verify/client_verifier.ts";
import { readPem } from "../../tls/certificates/pem.ts";
import { toSec1 } from "../../tls/certificates/sec1_key.ts";
import type { PeerCertificate } from "../../tls/tls_info.ts";
import { peerChain, verifyClient } from "../shared/client_certificate.ts";
import { assertPossessionProven, isGuarded } from "./possession_guard.ts";

const ON_DENO = runtimeName() === "deno";
const ON_NODE = runtimeName() === "node";
const Socket = ON_DENO ? AlertingSocket : ON_NODE ? LastingTlsSocket : tls.TLSSocket;

/** How many bytes that wait in a stream stop its socket on Bun, which else would read on until 64 KiB wait. */
export const STREAM_OPTIONS = runtimeName() === "bun" ? { highWaterMark: 16 * 1024 } : {};

/** TLS records with fatal alerts (RFC 8446 section 6.2), in plain text as before there are keys. */
const ALERTS = {
  unrecognized_name: Uint8Array.of(0x15, 3, 3, 0, 2, 2, 112),
  no_application_protocol: Uint8Array.of(0x15, 3, 3, 0, 2, 2, 120),
  protocol_version: Uint8Array.of(0x15, 3, 3, 0, 2, 2, 70),
};

const VERSIONS = { "1.2": 0x0303, "1.3": 0x0304 } as const;
/** SSL_CTX_set_options(3). */
const SSL_OP_NO_RENEGOTIATION = 0x40000000;

/** Starts TLS on the accepted sockets of one listener. */
export class NodeTls {
  /** The challenges that answer connections which validate a name. */
  readonly challenges: readonly Challenge[];
  readonly #options: tls.TLSSocketOptions;
  readonly #contexts: tls.SecureContext[];
  /** `null` where one certificate answers every client. */
  readonly #index: CertificateIndex | null;
  readonly #routes: RouteIndex | null;
  readonly #asksForCertificate: boolean;
  /** The lowest version, as on the wire. */
  readonly #least: number;
  /** Set where clients are asked for a certificate. */
  readonly #verifier: ClientVerifier | null;

  readonly #asked: TlsListenOptions;

  /** @param ticketSecret see {@linkcode ticketKeys}; `null`: the engine has keys of its own */
  constructor(asked: TlsListenOptions, ticketSecret: Uint8Array | null = null) {
    const { certificates, challenges, sniStrict, routes, alpn, minVersion, maxVersion, clientAuth } = asked;
    this.#asked = asked;
    this.challenges = challenges;
    this.#routes = routes && new RouteIndex(routes);
    this.#least = VERSIONS[minVersion];
    this.#asksForCertificate = clientAuth.mode !== "none";
    this.#verifier = clientAuth.ca === null ? null : new ClientVerifier(clientAuth.ca, clientAuth.crl);
    if (ON_DENO && clientAuth.ca !== null && !isGuarded(readPem(clientAuth.ca)[0].der)) {
      throw new UnsupportedError("Cannot verify clients' certificates: this version of Deno takes any for exact DER");
    }
    const versions = { minVersion: `TLSv${minVersion}`, maxVersion: `TLSv${maxVersion}` } as const;
    // Deno reads the context anew for each connection, and ignores everything else in it. It would send every
    // certificate of `ca` as part of the server's own chain.
    const more = ON_DENO ? {} : {
      ...(clientAuth.ca === null ? {} : { ca: clientAuth.ca }),
      ciphers: CIPHERS,
      // A client of TLS 1.2 could begin one handshake after the other on one connection; the others never renegotiate.
      ...(ON_NODE ? { secureOptions: SSL_OP_NO_RENEGOTIATION } : {}),
      // OpenSSL resumes no session with client certificates where this is not set, and none that began where it is
      // another (SSL_CTX_set_session_id_context(3)): such a client shakes hands in full.
      sessionTimeout: SESSION_SECONDS,
      sessionIdContext: sessionContext(clientAuth),
      ...(ticketSecret === null || !ON_NODE ? {} : { ticketKeys: ticketKeys(ticketSecret, asked.address) }),
    };
    this.#contexts = certificates.map(({ cert, key }) =>
      // Deno parses the key anew for each connection, which takes 15 µs less of a P-256 key in this form.
      tls.createSecureContext({ cert, key: ON_DENO ? toSec1(key) : key, ...versions, ...more })
    );
    this.#index = certificates.length === 1 && !sniStrict
      ? null
      : new CertificateIndex(certificates, { strict: sniStrict, speaks13: maxVersion === "1.3" });
    this.#options = {
      isServer: true,
      secureContext: this.#contexts[0],
      requestCert: this.#asksForCertificate,
      rejectUnauthorized: clientAuth.mode === "required",
      ...STREAM_OPTIONS,
      ...(alpn.length === 0 ? {} : { ALPNProtocols: alpn }),
    };
  }

  /** The same with tickets by another secret. On Deno and Bun keys cannot be set. */
  withTickets(secret: Uint8Array): NodeTls {
    return ON_NODE ? new NodeTls(this.#asked, secret) : this;
  }

  /**
   * Whether the ClientHello has to be read before the handshake begins, for {@linkcode NodeTls.startFor}. Node puts the
   * certificate chosen in `SNICallback` beside the default one, instead of in its place: where their keys differ in
   * kind (RSA and ECDSA) a client may be shown the default one for any name. Routes, and certificates of one name,
   * decide by more than `SNICallback` is told, a connection that validates a name shows itself there, and without a
   * certificate no handshake can begin. Deno ends a connection without an alert where its server name is no host's, or
   * its version is too old.
   */
  get peeks(): boolean {
    return ON_DENO || this.#routes !== null || (ON_NODE && this.#index !== null) || this.challenges.length > 0 ||
      this.#contexts.length === 0 || this.#index?.needsHello === true;
  }

  /** Whether a client's algorithms are needed, to choose among several certificates. */
  get choosesByAlgorithms(): boolean {
    return this.#index !== null;
  }

  /** Whether a connection validates a name for an ACME server: one that this process has a challenge for, or nobody. */
  validates(hello: ClientHello | null): boolean {
    if (hello === null || this.challenges.length === 0 || !isValidation(hello)) return false;
    const name = comparableServerName(hello.serverName ?? "");
    // A backend that TLS is passed through to may order its own certificate.
    return this.challenges.some(({ serverName }) => serverName === name) ||
      this.#routes?.decide(hello).kind !== "passthrough";
  }

  /** Begins the handshake on `raw`. */
  start(raw: RawSocket): tls.TLSSocket {
    const index = this.#index;
    if (index === null) return begin(raw, this.#options);
    return begin(raw, {
      ...this.#options,
      SNICallback: (serverName, done) => {
        const chosen = index.choose(serverName, null);
        if (chosen !== null) return done(null, this.#contexts[chosen]);
        // The engines end the connection without an alert. Nothing is encrypted yet, so the alert can be written here.
        raw.write(ALERTS.unrecognized_name);
        done(new ConnError("tls", describeUnknown(serverName)));
      },
    });
  }

  /**
   * Begins the handshake on `raw` by its ClientHello.
   * @param hello the ClientHello, which was put back on `raw`; `null` where the bytes are none, at which the handshake
   * fails
   * @returns `null` where TLS is not to be terminated; a promise, which rejects, where the client is refused: with a
   * ConnError of kind `no-route` or `tls`, once it has been told
   */
  startFor(raw: RawSocket, hello: ClientHello | null): tls.TLSSocket | null | Promise<never> {
    const decision = hello === null ? undefined : this.#routes?.decide(hello);
    // Which versions are spoken there is between the client and the backend.
    if (decision?.kind === "passthrough") return null;
    if (hello !== null && !hello.versions.some((version) => version >= this.#least && version <= VERSIONS["1.3"])) {
      return refuse(raw, "protocol_version", "tls", "Client offers no TLS version that the listener speaks");
    }
    if (decision?.kind === "refuse") {
      return refuse(raw, decision.alert, "no-route", describeRefusal(decision.alert, hello!));
    }
    // A listener that only passes TLS through cannot answer any other client.
    if (this.#contexts.length === 0 && hello === null) {
      return Promise.reject(new ConnError("tls", "Connection does not begin with a ClientHello"));
    }
    const index = this.#index === null ? 0 : this.#index.choose(hello?.serverName, hello);
    if (index === null) return refuse(raw, "unrecognized_name", "tls", describeUnknown(hello?.serverName ?? ""));
    if (index === 0 && decision === undefined) return begin(raw, this.#options);
    const options: tls.TLSSocketOptions = { ...this.#options, secureContext: this.#contexts[index] };
    if (decision !== undefined) {
      if (decision.alpn.length > 0) options.ALPNProtocols = [...decision.alpn];
      else delete options.ALPNProtocols;
    }
    return begin(raw, options);
  }

  /**
   * Returns what is known of a handshake that has succeeded.
   * @throws {ConnError} kind `certificate` where the client's certificate could not be verified
   */
  info(socket: tls.TLSSocket): TlsInfo {
    const info: TlsInfo = { resumed: socket.isSessionReused() };
    const agreed = socket.getCipher();
    const cipher = agreed?.name;
    // On Deno this is that of the connection, and of the suite elsewhere. Each question takes a microsecond.
    const version = ON_DENO ? agreed?.version : socket.getProtocol();
    const serverName: unknown = (socket as { servername?: unknown }).servername;
    if (version) info.version = version;
    if (cipher) info.cipher = cipher;
    if (typeof serverName === "string" && serverName !== "") info.sni = serverName;
    if (socket.alpnProtocol) info.alpn = socket.alpnProtocol;
    if (!this.#asksForCertificate) return info;
    const chain = peerChain(socket.getPeerCertificate(true));
    if (chain.length > 0) {
      info.peer = this.#verify(socket, chain);
    } else if (this.#options.rejectUnauthorized) {
      throw new ConnError("certificate", "Client sent no certificate");
    }
    return info;
  }

  #verify(socket: tls.TLSSocket, chain: Uint8Array[]): PeerCertificate {
    // On Deno nothing is verified by the engine but that the client holds the key: see `ca` above.
    const failure = ON_DENO ? null : verificationFailure(socket);
    if (failure !== null) throw new ConnError("certificate", `Client certificate was not verified: ${failure}`);
    if (this.#verifier === null) {
      throw new ConnError("certificate", "Client certificate cannot be verified: no authority");
    }
    return verifyClient(this.#verifier, chain, ON_DENO ? assertPossessionProven : undefined);
  }
}

function begin(raw: RawSocket, options: tls.TLSSocketOptions): tls.TLSSocket {
  const socket = new Socket(raw, options);
  // Bun would cut the connection of a client whose certificate it cannot verify. `info` refuses it in good order.
  (socket as { _rejectUnauthorized?: boolean })._rejectUnauthorized = false;
  return socket;
}

/**
 * Sends an alert. Rejects when the kernel has it or the connection has ended, because closing earlier could lose it.
 */
function refuse(
  raw: RawSocket,
  alert: keyof typeof ALERTS,
  kind: "no-route" | "tls",
  message: string,
): Promise<never> {
  return new Promise((_, reject) => raw.write(ALERTS[alert], () => reject(new ConnError(kind, message))));
}

function describeRefusal(alert: keyof typeof ALERTS, { serverName, alpn }: ClientHello): string {
  const name = serverName === null ? "a client that names no server" : quoteValue(serverName);
  if (alert === "unrecognized_name") return `No route for ${name}`;
  const offered = alpn.length === 0 ? "no protocol" : quoteValue(alpn.join(", "));
  return `No route for ${name} with ${offered}`;
}

/**
 * The keys of a listener's session tickets, the same in every worker (HKDF, RFC 5869). Those of another listener are
 * others, as its clients may have been asked for other certificates. Node wants 48 bytes: the keys' name, one for HMAC,
 * one for AES.
 */
function ticketKeys(secret: Uint8Array, address: Address): Buffer {
  return Buffer.from(hkdfSync("sha256", secret, "", `tls-off session tickets of ${formatAddress(address)}`, 48));
}

/** The same for listeners that ask for the same certificates; OpenSSL takes 32 bytes. */
function sessionContext({ mode, ca }: TlsListenOptions["clientAuth"]): string {
  return createHash("sha256").update(`${mode}\n${ca ?? ""}`).digest("base64").slice(0, 32);
}

function describeUnknown(serverName: string): string {
  return `No certificate for server name ${JSON.stringify(serverName.slice(0, 255))}`;
}

/**
 * Why the peer's certificate was not verified; `null` when it was. Only `tls.Server` sets `authorized` on all runtimes,
 * and it gives no connection out before its handshake; what it asks on Node is this method of the handle.
 * Where neither is known the certificate counts as not verified.
 */
function verificationFailure(socket: tls.TLSSocket): string | null {
  if (socket.authorized) return null;
  const handle = (socket as unknown as { _handle?: { verifyError?: () => unknown } })._handle;
  if (typeof handle?.verifyError !== "function") return String(socket.authorizationError ?? "unknown reason");
  const error = handle.verifyError();
  if (error === null) return null;
  return typeof error === "string" ? error : (error as { code?: string } | undefined)?.code ?? String(error);
}
