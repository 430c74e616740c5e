/** A peer's certificate as far as the engine tells. */
export interface PeerCertificate {
  commonName: string;
  dnsNames: string[];
  uris: string[];
  /** DER, for PROXY protocol's PP2_SUBTYPE_SSL_CLIENT_CERT. */
  der: Uint8Array;
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
  /** The connection validated a name for an ACME server, and brings no data. */
  isValidation?: boolean;
  /** TLS was not terminated: what is read and written is the client's TLS itself. */
  passthrough?: true;
  peer?: PeerCertificate;
}
