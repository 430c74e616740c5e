/** The ALPN protocol of the connection that validates a name for an ACME server (RFC 8737 section 6.2). */
export const ACME_TLS = "acme-tls/1";

/** What the connection that validates one name is answered with. It is plain data, which is posted to workers. */
export interface Challenge {
  /** The server name (SNI) of that connection. */
  serverName: string;
  /** PEM, one certificate. */
  cert: string;
  /** PEM, ECDSA P-256. Never logged. */
  key: string;
}
