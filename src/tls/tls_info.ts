/** A peer's certificate, as far as the engine knows it. */
export interface PeerCertificate {
  commonName: string;
  dnsNames: string[];
  uris: string[];
  /** DER, for PROXY protocol's PP2_SUBTYPE_SSL_CLIENT_CERT. */
  der: Uint8Array;
}

/** What a ClientHello asks for, of bounded length. A field that nobody knows is absent. */
export interface AskedFor {
  sni?: string;
  /** All protocols that the client offers, separated by commas. */
  alpn?: string;
}

/** Longer names are no host's (RFC 1035 section 2.3.4). */
const MAX_ASKED_CHARACTERS = 255;

/** @param alpn in the client's order */
export function askedFor(serverName: string | null | undefined, alpn: readonly string[] = []): AskedFor {
  const asked: AskedFor = {};
  if (serverName) asked.sni = serverName.slice(0, MAX_ASKED_CHARACTERS);
  if (alpn.length > 0) asked.alpn = alpn.join(",").slice(0, MAX_ASKED_CHARACTERS);
  return asked;
}

/** What the engine knows after the handshake. A field it cannot know is absent. */
export interface TlsInfo {
  /** `TLSv1.2` or `TLSv1.3`. */
  version?: string;
  /** The IANA or OpenSSL name as the engine gives it. */
  cipher?: string;
  sni?: string;
  alpn?: string;
  resumed?: boolean;
  /** Whether the connection validated a name for an ACME server, and has no data. */
  isValidation?: boolean;
  /** Whether TLS was not terminated, so that the client's TLS itself is read and written. */
  passthrough?: true;
  peer?: PeerCertificate;
}
