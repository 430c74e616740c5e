/** The ALPN protocol of the connection that validates a name for an ACME server (RFC 8737 section 6.2). */
export const ACME_TLS = "acme-tls/1";

/** What answers the connection that validates one name. Plain data: it is posted to workers. */
export interface Challenge {
  /** As that connection names it (SNI). */
  serverName: string;
  /** PEM, one certificate. */
  cert: string;
  /** PEM, ECDSA P-256. Never logged. */
  key: string;
}
